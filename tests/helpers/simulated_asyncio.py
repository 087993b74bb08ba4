"""asyncio in simulated time: a selector loop whose clock is a number. Two orders of callbacks."""

from __future__ import annotations

import asyncio
import gc
import heapq
import selectors
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import holdfast_asyncio
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
)
from holdfast_asyncio.driver import AsyncioDriver


class _Selector(selectors.DefaultSelector):
    """Never waits: when nothing is readable, the time jumps."""

    loop: SimulatedLoop
    patience = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        waits = not self.loop.note_step() and timeout != 0
        ready = super().select(self.patience if waits else 0)
        if waits and not ready:
            self.loop.jump()
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """In the order of asyncio: what is readable is handled before timers."""

    def __init__(self, names: Names) -> None:
        self.now = START
        self.steps = 0
        self.errors: list[dict[str, Any]] = []
        self.spins: Callable[[], object] = lambda: None
        self._names = names
        self._moved_at_step = 0
        self._planned: tuple[int, Callable[[], object]] | None = None
        self.selector = _Selector()
        self.selector.loop = self
        super().__init__(self.selector)
        self.set_exception_handler(lambda _, context: self.errors.append(context))

    def time(self) -> float:
        return self.now

    def jump(self) -> None:
        """To the next timer."""
        timers = self.timers()
        assert timers, "nothing can ever happen again"  # in a test its time limit will
        self.move_to(timers[0].when())

    def move_to(self, now: float) -> None:
        if now > self.now:
            self.now = now
            self._moved_at_step = self.steps

    def note_step(self) -> bool:
        """Count one; whether what was planned for it leaves something to do."""
        self.steps += 1
        if self.steps - self._moved_at_step == MAX_STEPS_AT_ONE_TIME:
            self.errors.append({"message": "the loop spins: time does not move"})
            self.spins()
        if self._planned is not None and self._planned[0] == self.steps:
            self._planned[1]()
        return bool(self._ready)

    def at_step(self, step: int, action: Callable[[], object]) -> None:
        """Counted from now."""
        self._planned = (self.steps + step, action)

    def timers(self) -> list[asyncio.TimerHandle]:
        return sorted(timer for timer in self._scheduled if not timer.cancelled())

    async def getaddrinfo(self, host: Any, port: Any, *, family=0, type=0, proto=0, flags=0) -> Any:  # noqa: A002
        addresses = addresses_of(self._names, host)
        if addresses is None:
            await self.create_future()
            raise AssertionError
        await asyncio.sleep(0)
        flags |= socket.AI_NUMERICHOST
        return [
            entry
            for address, its_port in addresses
            for entry in socket.getaddrinfo(address, its_port or port, family, type, proto, flags)
        ]


class TimersFirstLoop(SimulatedLoop):
    """In the order of libuv, which uvloop and others run on: polls, handles what is readable, and then runs timers
    without polling again. What is called soon, or in 0 seconds, runs before the next poll."""

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        if delay <= 0:
            return self.call_soon(callback, *args, context=context)
        return super().call_later(delay, callback, *args, context=context)

    def _run_once(self) -> None:
        self._run(self._ready)
        events = self._selector.select(0 if self._ready or self._stopping else None)
        soon, self._ready = self._ready, deque()
        self._process_events(events)
        readers, self._ready = self._ready, soon
        self._run(readers)
        self._run(self._due_timers())

    def _run(self, handles: deque[Any]) -> None:
        for _ in range(len(handles)):
            handle = handles.popleft()
            if not handle.cancelled():
                handle._run()

    def _due_timers(self) -> deque[Any]:
        due: deque[Any] = deque()
        while self._scheduled and self._scheduled[0]._when <= self.now:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            self._timer_cancelled_count -= timer.cancelled()
            due.append(timer)
        return due


class _AsyncioWire(Wire):
    async def readable(self) -> None:
        loop = asyncio.get_running_loop()
        await self._ready(loop.add_reader, loop.remove_reader)

    async def writable(self) -> None:
        loop = asyncio.get_running_loop()
        await self._ready(loop.add_writer, loop.remove_writer)

    async def _ready(self, add: Callable[..., object], remove: Callable[..., object]) -> None:
        ready = asyncio.Event()
        add(self.sock, ready.set)
        try:
            await ready.wait()
        finally:
            if self.sock.fileno() >= 0:
                remove(self.sock)

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.sock)
            loop.remove_writer(self.sock)
            self.sock.close()


class _AsyncioTasks:
    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[object]] = []

    def start(self, job: Job) -> None:
        self._tasks.append(asyncio.ensure_future(job()))
        self._tasks[-1].set_name(OWN)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def end(self) -> None:
        self.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


class SimulatedAsyncio(SimulatedBackend):
    """Subclass it for another transport on asyncio: set `name`, `open_feed` and `driver`."""

    name = "asyncio"
    open_feed = staticmethod(holdfast_asyncio.open_feed)
    driver = AsyncioDriver
    loop_type = SimulatedLoop

    def run(self, test: Job, within: float = HOUR) -> None:
        self._loop = loop = self.loop_type(self.names)

        async def guarded() -> None:
            before = descriptors()
            async with asyncio.timeout(within) as guard:
                loop.spins = lambda: guard.reschedule(loop.now)
                await test()
            leftovers = asyncio.all_tasks() - {asyncio.current_task()}
            assert not leftovers, f"tasks left behind: {leftovers}"
            assert not loop.timers(), f"timers left behind: {loop.timers()}"
            assert descriptors() == before, "sockets left behind"

        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(guarded())
            gc.collect(0)  # tasks complain about errors that nobody saw when they are collected
        finally:
            assert not loop.errors, f"what went wrong unseen: {loop.errors}"

    def now(self) -> float:
        return self._loop.now

    def block(self, seconds: float) -> None:
        self._loop.move_to(self._loop.now + seconds)

    def be_patient(self, seconds: float) -> None:
        self._loop.selector.patience = seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            pass

    @asynccontextmanager
    async def tasks(self) -> AsyncIterator[_AsyncioTasks]:
        tasks = _AsyncioTasks()
        try:
            yield tasks
        finally:
            await tasks.end()

    async def both(self, one: Job, two: Job) -> None:
        async with asyncio.TaskGroup() as group:
            for job in (one, two):
                group.create_task(job(), name=OWN)  # type: ignore[arg-type]

    def make_event(self) -> asyncio.Event:
        return asyncio.Event()

    def wire(self, sock: socket.socket) -> Wire:
        return _AsyncioWire(sock)

    async def among_readers(self, action: Callable[[], object]) -> None:
        one, other = socket.socketpair()
        done = asyncio.Event()

        def read() -> None:
            self._loop.remove_reader(one)
            action()
            done.set()

        with one, other:
            self._loop.add_reader(one, read)
            other.send(b"now")
            await done.wait()

    def at_step(self, step: int, action: Callable[[], object]) -> None:
        self._loop.at_step(step, action)

    async def cancelled_at(self, step: int, job: Job) -> bool:
        task = asyncio.ensure_future(job())
        task.set_name(OWN)
        self.at_step(step, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            assert task.cancelled(), "the test itself was cancelled"
            return False
        assert not task.cancelling(), "a cancellation was swallowed"
        return True

    def foreign_tasks(self) -> set[object]:
        return {task for task in asyncio.all_tasks() if task.get_name() != OWN} - {asyncio.current_task()}


class SimulatedTimersFirst(SimulatedAsyncio):
    name = "asyncio-timers-first"
    loop_type = TimersFirstLoop
