"""trio in simulated time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import trio
import trio._core._run as trio_run
import trio.testing

import holdfast_trio
from helpers.simulated import (
    HOUR,
    MAX_STEPS_AT_ONE_TIME,
    OWN,
    START,
    Job,
    Names,
    SimulatedBackend,
    Wire,
    addresses_of,
    descriptors,
    unwrapped,
)
from holdfast_trio.driver import TrioDriver


class _Steps(trio.abc.Instrument):
    """Counts the steps of all tasks."""

    def __init__(self, clock: trio.testing.MockClock) -> None:
        self._clock = clock
        self._count = 0
        self._planned: tuple[int, Callable[[], object]] | None = None
        self._moved = (0, clock.current_time())  # at which step the time moved last
        self.spins: Callable[[], object] = lambda: None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._count += 1
        if self._moved[1] != (now := self._clock.current_time()):
            self._moved = (self._count, now)
        elif self._count - self._moved[0] == MAX_STEPS_AT_ONE_TIME:
            self.spins()
        if self._planned is not None and self._planned[0] == self._count:
            self._planned[1]()

    def at(self, step: int, action: Callable[[], object]) -> None:
        """Counted from now."""
        self._planned = (self._count + step, action)


class _Resolver(trio.abc.HostnameResolver):
    def __init__(self, names: Names) -> None:
        self._names = names

    async def getaddrinfo(self, host: Any, port: Any, family=0, type=0, proto=0, flags=0) -> Any:  # noqa: A002
        addresses = addresses_of(self._names, host.decode())
        if addresses is None:
            await trio.sleep_forever()
            raise AssertionError
        await trio.lowlevel.checkpoint()
        flags |= socket.AI_NUMERICHOST
        return [
            entry
            for address, its_port in addresses
            for entry in socket.getaddrinfo(address, its_port or port, family, type, proto, flags)
        ]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise NotImplementedError


class _TrioWire(Wire):
    async def readable(self) -> None:
        with _told_of_closing():
            await trio.lowlevel.wait_readable(self.sock)

    async def writable(self) -> None:
        with _told_of_closing():
            await trio.lowlevel.wait_writable(self.sock)

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self.sock)
            self.sock.close()


@contextmanager
def _told_of_closing() -> Iterator[None]:
    try:
        yield
    except trio.ClosedResourceError:
        raise ConnectionAbortedError from None


class _TrioTasks:
    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    def start(self, job: Job) -> None:
        self._nursery.start_soon(job, name=OWN)

    def cancel(self) -> None:
        self._nursery.cancel_scope.cancel()


class SimulatedTrio(SimulatedBackend):
    """Subclass it for another transport on trio: set `name`, `open_feed` and `driver`."""

    name = "trio"
    open_feed = staticmethod(holdfast_trio.open_feed)
    driver = TrioDriver

    def run(self, test: Job, within: float = HOUR) -> None:
        self._clock = trio.testing.MockClock(autojump_threshold=0)
        self._steps = _Steps(self._clock)

        async def guarded() -> None:
            self._clock.jump(START)
            trio.socket.set_custom_hostname_resolver(_Resolver(self.names))
            tasks, before = _all_tasks(), descriptors()
            with trio.fail_after(within) as guard:
                self._steps.spins = guard.cancel
                await test()
            assert not guard.cancel_called, "the loop spins: time does not move"
            leftovers = _all_tasks() - tasks
            assert not leftovers, f"tasks left behind: {leftovers}"
            assert descriptors() == before, "sockets left behind"
            await trio.lowlevel.checkpoint()  # a corrupted cancel scope would show here at the latest
            timer = trio.lowlevel.current_statistics().seconds_to_next_deadline
            assert timer == float("inf"), f"a timer left behind, in {timer} s"

        with unwrapped(), _same_order_every_time():
            trio.run(guarded, clock=self._clock, instruments=[self._steps])

    def now(self) -> float:
        return self._clock.current_time()

    def block(self, seconds: float) -> None:
        self._clock.jump(seconds)

    def be_patient(self, seconds: float) -> None:
        self._clock.autojump_threshold = seconds

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[None]:
        with trio.move_on_after(seconds):
            yield

    @asynccontextmanager
    async def tasks(self) -> AsyncIterator[_TrioTasks]:
        async with trio.open_nursery() as nursery:
            yield _TrioTasks(nursery)
            nursery.cancel_scope.cancel()

    async def both(self, one: Job, two: Job) -> None:
        async with trio.open_nursery() as nursery:
            for job in (one, two):
                nursery.start_soon(job, name=OWN)

    def make_event(self) -> trio.Event:
        return trio.Event()

    def wire(self, sock: socket.socket) -> Wire:
        return _TrioWire(sock)

    def at_step(self, step: int, action: Callable[[], object]) -> None:
        self._steps.at(step, action)

    async def cancelled_at(self, step: int, job: Job) -> bool:
        with trio.CancelScope() as scope:
            self.at_step(step, scope.cancel)
            await job()
        return not scope.cancelled_caught

    def foreign_tasks(self) -> set[object]:
        return {task for task in _all_tasks() if task.name != OWN}


@contextmanager
def _same_order_every_time() -> Iterator[None]:
    """trio shuffles the tasks that can run; here it does so by a seed, so that what fails once fails again."""
    before = trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio_run._r.seed(0)
    try:
        yield
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before


def _all_tasks() -> set[Any]:
    root = trio.lowlevel.current_root_task()
    assert root is not None
    found, left = set[Any](), [root]
    while left:
        task = left.pop()
        found.add(task)
        left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found
