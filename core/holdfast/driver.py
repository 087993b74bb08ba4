"""The part of a driver that needs no awaiting: carrying out commands, waking who waits, arming the one timer.

asyncio and trio share all of this. A transport subclasses `Driver`, gives inputs to `fleet`, each followed by
`settle()`, and fills in the methods at the end. None of these may give the fleet an input before it returns: what
they learn at once (a write that fails, say) is reported on the next turn of the loop.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar, cast

from holdfast import events
from holdfast.commands import Command, Connect, Disconnect, EndJob, Pause, Resume, Write
from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.events import Message
from holdfast.failures import told
from holdfast.fleet import Fleet
from holdfast.jobs import Job, run_job
from holdfast.phrases import ERROR, describe, level_of
from holdfast.proxy import Proxy
from holdfast.randomness import FromEntropy

READ_SIZE = 64 * 1024  # bytes; larger reads cost page faults and buy nothing
HAPPY_EYEBALLS_DELAY = 0.25  # seconds between attempts on several addresses (RFC 8305 section 5)
# Seconds. For libraries that insist on a time limit of their own in a dial, which is the machine's to end.
BEYOND_ALL_TIMEOUTS = 86_400.0


class Event(Protocol):
    """What asyncio.Event and trio.Event have in common."""

    def set(self) -> None: ...

    def wait(self) -> Awaitable[object]: ...


class DrivenSocket(Protocol):
    """What a driver wants of its connections once they are open."""

    @property
    def writable(self) -> Event:
        """Set, unless more than a little is still to be sent."""
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes for the connection's own writer."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Read again."""


class Cancellable(Protocol):
    """What asyncio.Task and trio.CancelScope have in common."""

    def cancel(self) -> object: ...


class OuterWindow(Protocol):
    """A window of dials that others keep, too."""

    def ask(self, host: str, ahead: int = 0) -> float:
        """0.0: dial; it is counted. Else how many seconds to wait, behind so many. May block; for any thread."""
        ...


class Log(Protocol):
    """What is used of logging.Logger."""

    def isEnabledFor(self, level: int) -> bool: ...  # noqa: N802

    def log(self, level: int, msg: str, *args: object) -> None: ...


S = TypeVar("S", bound=DrivenSocket)


class Driver(ABC, Generic[S]):
    """Drives a fleet by the contract in `holdfast.fleet.fleet`. `sockets` are the open ones, by connection."""

    __slots__ = (
        "_armed",
        "_broken",
        "_hungry",
        "_lines",
        "_log",
        "_trust",
        "_waiters",
        "_written",
        "config",
        "fleet",
        "jobs",
        "outer_window",
        "sockets",
    )

    def __init__(self, config: FeedConfig, *, entropy: Callable[[int], bytes], log: Log) -> None:
        self.config = config
        self.fleet = Fleet(config, random=FromEntropy(entropy), entropy=entropy, observe=self._observe)
        self._log = log
        self._armed = math.inf
        self._broken: Exception | None = None  # what the machine raised: it is not to be trusted any more
        self._hungry: Event | None = None  # what the consumer waits for
        self._waiters: list[tuple[Callable[[], bool], Event]] = []
        self.sockets: dict[int, S] = {}
        self.jobs: dict[int, Cancellable] = {}  # functions of the user's that run for a connection
        self.outer_window: OuterWindow | None = None
        # By host: until when dials wait for the outer window, inf for those that ask. Few feeds have one.
        self._lines: dict[str, list[float]] | None = None
        self._written: S | None = None  # the last that was written to
        self._trust: Any = None  # the TLS context for endpoints that bring none

    def settle(self) -> None:
        """Steps 2 to 4 of the contract. To be called after every input, and after taking items."""
        self._act()
        if (hungry := self._hungry) is not None and self.fleet.has_items:
            self._hungry = None
            hungry.set()

    def received(self, conn: int, data: bytes, now: float) -> None:
        """Bytes arrived, on a socket that the loop, and no code of the user's, has just read: the input of every chunk,
        and what follows from it. The consumer may run before this returns.
        """
        fleet = self.fleet
        if fleet.received(conn, data, now) or fleet.commands or self._waiters:
            self._act()
        if (hungry := self._hungry) is not None and fleet.has_items:
            self._hungry = None
            self.wake_at_once(hungry)

    def _act(self) -> None:
        if self._broken is not None:
            return
        fleet = self.fleet
        for command in fleet.take_commands():
            self._carry_out(command)
        for ready, event in self._waiters:
            if ready():
                event.set()
        if (deadline := fleet.next_deadline()) != self._armed:
            self._rearm(deadline)

    def _rearm(self, deadline: float) -> None:
        self._armed = deadline
        self.arm(deadline)

    def items_there(self) -> Awaitable[object]:
        """To be awaited before `take_run`, by the one task that takes. Cancelling it loses nothing."""
        if self.fleet.has_items:
            return self.checkpoint()
        self.check()
        self._hungry = self.make_event()
        return self._hungry.wait()

    def take_run(self, limit: int) -> list[Message] | events.Event:
        """Some of the items that are there."""
        fleet = self.fleet
        if (run := fleet.take_run(limit)) is None:
            self.check()
            raise AssertionError("nobody waited for items")
        if fleet.drained_at < math.inf and (deadline := fleet.next_deadline()) != self._armed:
            self._rearm(deadline)  # that is all that taking can lead to
        return run

    def deadline_came(self) -> None:
        """To be called when the armed timer fired and what was readable has been read (step 5)."""
        self._armed = -math.inf  # it is spent: whatever the deadline is now, it is armed anew
        now = self.now()
        self.fleet.set_wall_offset(self.wall_time() - now)  # it was set, or the machine slept
        self.fleet.tick(now)
        self.settle()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`, looked at after every input. Cancelling it loses nothing."""
        if ready():
            await self.checkpoint()
            return
        self.check()
        waiter = (ready, self.make_event())
        self._waiters.append(waiter)
        try:
            await waiter[1].wait()
            self.check()
        finally:
            self._waiters.remove(waiter)

    # A machine that raises, by a fault of ours or of a dialect

    @contextmanager
    def watched(self) -> Generator[None]:
        """For inputs that no code of the user's gives: what they raise, whoever waits for the feed gets."""
        try:
            yield
        except Exception as error:
            self.broke(error)

    def broke(self, error: Exception) -> None:
        """An input raised this: the feed is at its end."""
        if self._broken is None:
            self._broken = error
            self.tell(ERROR, f"the feed broke: {told(error)}")
        for event in (self._hungry, *(event for _, event in self._waiters)):
            if event is not None:
                event.set()
        self._hungry = None

    @property
    def is_broken(self) -> bool:
        """Whether an input raised."""
        return self._broken is not None

    def check(self) -> None:
        """Raise what an input raised."""
        if self._broken is not None:
            raise self._broken

    def end(self) -> None:
        """Ask the machine for its end; of one that broke, whatever it can still do."""
        try:
            self.fleet.close(self.now())
            self.settle()
        except Exception:
            if self._broken is None:
                raise

    async def flush(self) -> None:
        """Wait while more than a little is still to be sent to whom we wrote last."""
        if self._written is not None:
            await self._written.writable.wait()

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Write):
            self.write(command.conn, command.data)
        elif isinstance(command, Connect):
            self.dial(command.conn, command.endpoint)
        elif isinstance(command, Disconnect):
            self.disconnect(command.conn)
        elif isinstance(command, Pause):
            self.pause(command.conn)
        elif isinstance(command, Resume):
            self.resume(command.conn)
        elif isinstance(command, EndJob):
            self.end_job(command.conn)
        else:
            self.jobs[command.conn] = self.start_job(self._run_job, cast(Job, command))

    # What runs of the user's

    async def _run_job(self, job: Job) -> None:
        report = await run_job(self, job)
        self.jobs.pop(job.conn, None)
        with self.watched():
            report()
            self.settle()

    def end_job(self, conn: int) -> None:
        """Cancel what runs for a connection."""
        if (job := self.jobs.pop(conn, None)) is not None:
            job.cancel()

    # What is told to the log

    def _observe(self, event: events.Event) -> None:
        level = level_of(event)
        if self._log.isEnabledFor(level):
            self.tell(level, describe(event))

    def tell(self, level: int, line: str) -> None:
        """One line, with the name of the feed before it."""
        with suppress(Exception):  # a feed does not stop for want of a log
            self._log.log(level, "%s: %s", self.config.label, line)

    def awaiting_proxy(self, conn: int, proxy: Proxy | None) -> None:
        """To be called when a dial begins to wait for a proxy, and with None when that has connected it."""
        self.fleet.awaiting_proxy(conn, proxy.told if proxy is not None else "", self.now())
        self.settle()

    async def may_dial(self, conn: int, endpoint: Endpoint) -> bool:
        """To be asked in the background before every dial. If not, the machine knows, and there is nothing to do."""
        if (window := self.outer_window) is None:
            return True
        host, asked_at = endpoint.host, self.now()
        lines = self._lines = {} if self._lines is None else self._lines
        line = [until for until in lines.get(host, ()) if until > asked_at]
        lines[host] = [*line, math.inf]
        wait = 0.0
        try:
            wait = await self.in_thread(lambda: window.ask(host, len(line)))
        finally:
            lines[host].remove(math.inf)
        if not wait:
            return True
        now = self.now()
        lines[host].append(now + wait)
        self.fleet.postponed(conn, now + wait, now)
        self.settle()
        return False

    def tls_of(self, endpoint: Endpoint) -> tuple[Any, str] | None:
        """The TLS context and the server's name for a dial; None if it needs no TLS."""
        if not endpoint.secure:
            return None
        if endpoint.tls is None and self._trust is None:
            self._trust = self.make_tls_context()
        return endpoint.tls or self._trust, endpoint.server_name or endpoint.host

    # What is for a connection that is gone is dropped

    def write(self, conn: int, data: bytes) -> None:
        """Queue bytes for the connection's own writer."""
        if (socket := self.sockets.get(conn)) is not None:
            self._written = socket
            socket.write(data)

    def pause(self, conn: int) -> None:
        """Stop reading from the connection."""
        if (socket := self.sockets.get(conn)) is not None:
            socket.pause()

    def resume(self, conn: int) -> None:
        """Read again."""
        if (socket := self.sockets.get(conn)) is not None:
            socket.resume()

    # What a transport fills in

    @abstractmethod
    def now(self) -> float:
        """Seconds on the loop's monotonic clock."""

    @abstractmethod
    def wall_time(self) -> float:
        """Unix seconds. Looked at when a deadline comes, which is every `stall_after` at least."""

    @abstractmethod
    def arm(self, deadline: float) -> None:
        """Have `deadline_came` called at that time, and at no other; inf for never."""

    @abstractmethod
    def dial(self, conn: int, endpoint: Endpoint) -> None:
        """Begin to connect in the background; report `connected` or `connect_failed`."""

    @abstractmethod
    async def in_thread(self, function: Callable[[], float]) -> float:
        """Run what may block."""

    @abstractmethod
    def make_tls_context(self) -> Any:
        """A TLS context with the system's trust. Asked for once, when it is needed."""

    @abstractmethod
    def disconnect(self, conn: int) -> None:
        """Close the socket, or abandon the dial, now."""

    @abstractmethod
    def start_job(self, run: Callable[[Job], Coroutine[Any, Any, None]], job: Job) -> Cancellable:
        """Run this in the background until it ends, is cancelled, or the driver stops."""

    @abstractmethod
    def make_event(self) -> Event:
        """A new event that one task waits for."""

    @abstractmethod
    async def checkpoint(self) -> None:
        """Let others run; notice cancellation."""

    def wake_at_once(self, event: Event) -> None:
        """Set it, and run who waits for it, if that can be before this returns."""
        event.set()
