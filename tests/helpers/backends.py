"""One body of a test, run under asyncio and under trio."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import trio

import holdfast_asyncio
import holdfast_trio

GUARD = 20.0  # seconds after which a test that hangs is ended; no test waits for it


class Backend(ABC):
    """What a test needs beside the feed, spelled the same for both."""

    name: str
    open_feed: Callable[..., AbstractAsyncContextManager[Any]]

    @abstractmethod
    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        """Run the test in a loop of its own; fail if it leaves tasks or file descriptors behind."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None: ...

    @abstractmethod
    def move_on_after(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """Cancel what is inside after so long, and go on behind it."""

    @abstractmethod
    async def both(self, one: Callable[[], Awaitable[object]], two: Callable[[], Awaitable[object]]) -> None:
        """Run two things at the same time."""

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait for what another thread does."""
        while not ready():
            await self.sleep(0.001)


class AsyncioBackend(Backend):
    name = "asyncio"
    open_feed = staticmethod(holdfast_asyncio.open_feed)

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            before = descriptors()
            async with asyncio.timeout(GUARD):
                await test()
            leftovers = asyncio.all_tasks() - {asyncio.current_task()}
            assert not leftovers, f"tasks left behind: {leftovers}"
            async with asyncio.timeout(GUARD):
                await self.until(lambda: descriptors() <= before)

        with asyncio.Runner(debug=True) as runner:
            runner.run(guarded())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            pass

    async def both(self, one: Callable[[], Awaitable[object]], two: Callable[[], Awaitable[object]]) -> None:
        await asyncio.gather(one(), two())


class TrioBackend(Backend):
    name = "trio"
    open_feed = staticmethod(holdfast_trio.open_feed)

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            before = descriptors()
            with trio.fail_after(GUARD):
                await test()
            assert not trio.lowlevel.current_task().child_nurseries, "a nursery left open"
            await trio.lowlevel.checkpoint()  # a corrupted cancel scope would show here at the latest
            with trio.fail_after(GUARD):
                await self.until(lambda: descriptors() <= before)

        trio.run(guarded)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[None]:
        with trio.move_on_after(seconds):
            yield

    async def both(self, one: Callable[[], Awaitable[object]], two: Callable[[], Awaitable[object]]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(two)


BACKENDS = {backend.name: backend for backend in (AsyncioBackend(), TrioBackend())}


def descriptors() -> int:
    """How many file descriptors this process has open; a server's close a moment later."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
