"""Simulated time for transports: all that the conformance tests ask of an event loop, and nothing of a transport.

Sockets are real, on loopback, where what is sent can be read at once; their far ends are tasks in the same loop. Time
is a number. It moves only when nothing is readable and no task can run: then it jumps to the next timer; or when a
test says that the loop did not run for a while (`block`).
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import Any, Protocol

from holdfast.driver import Driver, Event

START = 1000.0  # seconds on the simulated clock when a test begins
HOUR = 3600.0
DAY = 24 * HOUR
LOOKS = 0.01  # seconds of simulated time between two looks of `until`
MAX_STEPS_AT_ONE_TIME = 200_000  # more than any test takes; a loop that spins is found so
OWN = "test"  # the name of the tasks that belong to the test

Job = Callable[[], Awaitable[object]]
Names = dict[str, "list[tuple[str, int]] | OSError | None"]


class Wire(ABC):
    """A non-blocking socket of a test's server. Between the kernel and the test nothing is kept."""

    def __init__(self, sock: socket) -> None:
        sock.setblocking(False)
        # Else the kernel keeps small writes back for some real milliseconds, in which hours pass here.
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.sock = sock

    @abstractmethod
    async def readable(self) -> None: ...

    @abstractmethod
    async def writable(self) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """At once. Whoever waits for it gets ConnectionAbortedError, or waits until cancelled."""

    async def accept(self) -> Wire:
        """The next connection to this listener."""
        await self.readable()
        return type(self)(self.sock.accept()[0])

    async def receive(self) -> bytes:
        """What is readable, b"" at the end of the stream."""
        await self.readable()
        return self.sock.recv(65536)


class Tasks(Protocol):
    """Tasks of a test. They end with the block that made them."""

    def start(self, job: Job) -> None: ...

    def cancel(self) -> None: ...


class SimulatedBackend(ABC):
    """The adapter that a transport supplies; a new one for every test.

    `open_feed` and `driver` (its subclass of `holdfast.driver.Driver`) are the transport's; the rest is the loop's.
    `names` says what the loop's resolver answers for a host: addresses and ports, an error to raise, or None: nothing,
    ever.
    """

    name: str
    open_feed: Callable[..., AbstractAsyncContextManager[Any]]
    driver: type[Driver]

    def __init__(self) -> None:
        self.names: Names = {}

    @abstractmethod
    def run(self, test: Job, within: float = HOUR) -> None:
        """Run the test in a new loop; fail if it takes longer (simulated seconds), or leaves anything behind."""

    @abstractmethod
    def now(self) -> float:
        """The simulated clock, as the transport reads it."""

    @abstractmethod
    def block(self, seconds: float) -> None:
        """Nothing in this loop runs for so long: neither transport nor server."""

    @abstractmethod
    def be_patient(self, seconds: float) -> None:
        """From now on wait so many real seconds for the kernel before time jumps.

        Only a full window that opens again asks for it: that may take the kernel some milliseconds.
        """

    @abstractmethod
    async def sleep(self, seconds: float) -> None: ...

    @abstractmethod
    def move_on_after(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """Cancel what is inside after so long, and go on behind it."""

    @abstractmethod
    def tasks(self) -> AbstractAsyncContextManager[Tasks]:
        """Leaving it cancels its tasks, and waits for them. Their names are OWN."""

    @abstractmethod
    async def both(self, one: Job, two: Job) -> None:
        """Run two things at the same time, to the end."""

    @abstractmethod
    def make_event(self) -> Event: ...

    @abstractmethod
    def wire(self, sock: socket) -> Wire: ...

    @abstractmethod
    def at_step(self, step: int, action: Callable[[], object]) -> None:
        """Carry it out when the loop has taken so many steps, counted from now; forget an earlier such wish.

        Every place at which the job or the transport waits lies between two steps.
        """

    @abstractmethod
    async def cancelled_at(self, step: int, job: Job) -> bool:
        """Run the job, and cancel it at that step. Whether it was complete before."""

    @abstractmethod
    def foreign_tasks(self) -> set[object]:
        """The tasks of this loop that are neither the test's own nor the loop's."""

    async def among_readers(self, action: Callable[[], object]) -> None:
        """Carry it out where the loop handles readable sockets, if that is a place of its own."""
        action()

    # What follows is the same for all

    async def until(self, ready: Callable[[], object]) -> None:
        """Look again and again."""
        while not ready():
            await self.sleep(LOOKS)

    @asynccontextmanager
    async def leaves_nothing(self, descriptors_of_test: Callable[[], int] = lambda: 0) -> AsyncIterator[None]:
        """What is inside has ended all its tasks and closed all its sockets when it is left, not a moment later."""
        tasks, before = self.foreign_tasks(), descriptors() - descriptors_of_test()
        yield
        assert self.foreign_tasks() <= tasks
        assert descriptors() - descriptors_of_test() == before


def descriptors() -> int:
    """How many file descriptors this process has open."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        if Path(folder).is_dir():
            return len(list(Path(folder).iterdir()))
    return 0


def addresses_of(names: Names, host: str) -> list[tuple[str, int]] | None:
    """What the test's resolver knows; raises what it was told to raise. A number stands for itself, with any port."""
    answer = names.get(host, [(host, 0)])
    if isinstance(answer, OSError):
        raise answer
    return answer


@contextlib.contextmanager
def unwrapped():
    """An error alone in its group comes out alone: a failed assertion should look like one."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None
