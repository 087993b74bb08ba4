"""What these runs ask of an event loop, spelled the same for asyncio and trio."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import trio

Job = Callable[[], Awaitable[object]]


class Loop(ABC):
    @abstractmethod
    def run(self, main: Job) -> None: ...

    @abstractmethod
    async def sleep(self, seconds: float) -> None: ...

    @abstractmethod
    def within(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """Cancel what is inside after so long, and go on behind it."""

    @abstractmethod
    def beside(self, job: Job) -> AbstractAsyncContextManager[None]:
        """Run it as a task of its own, and cancel it at the end."""

    @abstractmethod
    def tasks(self) -> int:
        """How many tasks there are in the loop."""


class AsyncioLoop(Loop):
    def run(self, main: Job) -> None:
        async def wrapped() -> None:
            await main()

        asyncio.run(wrapped())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                yield

    @asynccontextmanager
    async def beside(self, job: Job) -> AsyncIterator[None]:
        task = asyncio.ensure_future(job())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def tasks(self) -> int:
        return len(asyncio.all_tasks())


class TrioLoop(Loop):
    def run(self, main: Job) -> None:
        trio.run(main)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        with trio.move_on_after(seconds):
            yield

    @asynccontextmanager
    async def beside(self, job: Job) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(job)
            yield
            nursery.cancel_scope.cancel()

    def tasks(self) -> int:
        return trio.lowlevel.current_statistics().tasks_living


LOOPS: dict[str, type[Loop]] = {"asyncio": AsyncioLoop, "trio": TrioLoop}
