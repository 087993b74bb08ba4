"""The part of a driver that needs no awaiting: carrying out commands, waking who waits, arming the one timer.

asyncio and trio share all of this. A transport subclasses `Driver`, gives inputs to `fleet`, each followed by
`settle()`, and fills in the methods at the end. None of these may give the fleet an input before it returns: what
they learn at once (a write that fails, say) is reported on the next turn of the loop.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, cast

from holdfast.commands import Command, Connect, Disconnect, Pause, Write
from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.fleet import Fleet

READ_SIZE = 64 * 1024  # bytes; larger reads cost page faults and buy nothing
HAPPY_EYEBALLS_DELAY = 0.25  # seconds between attempts on several addresses (RFC 8305 section 5)


class Event(Protocol):
    """What asyncio.Event and trio.Event have in common."""

    def set(self) -> None: ...

    async def wait(self) -> object: ...


class Driver(ABC):
    """Drives a fleet by the contract in `holdfast.fleet.fleet`."""

    def __init__(self, fleet: Fleet, config: FeedConfig) -> None:
        self.fleet = fleet
        self.config = config
        self._armed = math.inf
        self._waiters: list[tuple[Callable[[], bool], Event]] = []

    def settle(self) -> None:
        """Steps 2 to 4 of the contract. To be called after every input, and after taking items."""
        fleet = self.fleet
        for command in fleet.take_commands():
            self._carry_out(command)
        for ready, event in self._waiters:
            if ready():
                event.set()
        if (deadline := fleet.next_deadline()) != self._armed:
            self._armed = deadline
            self.arm(deadline)

    def deadline_came(self) -> None:
        """To be called when the armed timer fired and what was readable has been read (step 5)."""
        self._armed = -math.inf  # it is spent: whatever the deadline is now, it is armed anew
        self.fleet.tick(self.now())
        self.settle()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`, looked at after every input. Cancelling it loses nothing."""
        if ready():
            await self.checkpoint()
            return
        waiter = (ready, self.make_event())
        self._waiters.append(waiter)
        try:
            await waiter[1].wait()
        finally:
            self._waiters.remove(waiter)

    def _carry_out(self, command: Command) -> None:
        kind = type(command)
        if kind is Write:
            self.write(command.conn, cast(Write, command).data)
        elif kind is Connect:
            self.dial(command.conn, cast(Connect, command).endpoint)
        elif kind is Disconnect:
            self.disconnect(command.conn)
        elif kind is Pause:
            self.pause(command.conn)
        else:
            self.resume(command.conn)

    # What a transport fills in

    @abstractmethod
    def now(self) -> float:
        """Seconds on the loop's monotonic clock."""

    @abstractmethod
    def arm(self, deadline: float) -> None:
        """Have `deadline_came` called at that time, and at no other; inf for never."""

    @abstractmethod
    def dial(self, conn: int, endpoint: Endpoint) -> None:
        """Begin to connect in the background; report `connected` or `connect_failed`."""

    @abstractmethod
    def write(self, conn: int, data: bytes) -> None:
        """Queue bytes for the connection's own writer; drop them if it is gone."""

    @abstractmethod
    def pause(self, conn: int) -> None:
        """Stop reading from the connection."""

    @abstractmethod
    def resume(self, conn: int) -> None:
        """Read again."""

    @abstractmethod
    def disconnect(self, conn: int) -> None:
        """Close the socket, or abandon the dial, now."""

    @abstractmethod
    def make_event(self) -> Event:
        """A new event that tasks can wait for."""

    @abstractmethod
    async def checkpoint(self) -> None:
        """Let others run; notice cancellation."""

    @abstractmethod
    async def flush(self) -> None:
        """Wait while more than a little is still to be sent."""
