"""`Loop` on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from holdfast_asyncio import open_feed, serve_status
from holdfast_cli.run.loops import Cancel, Job


class AsyncioLoop:
    name = "asyncio"

    def __init__(self) -> None:
        self.open_feed = open_feed
        self.serve_status = serve_status
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bell: asyncio.Event | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    def run(self, main: Job, on_signal: Callable[[int], None], numbers: list[int]) -> None:
        async def body() -> None:
            self._loop = asyncio.get_running_loop()
            self._bell = asyncio.Event()
            for number in numbers:
                # A plain handler may run just before the loop goes to sleep, and then nothing wakes it.
                with suppress(NotImplementedError):
                    self._loop.add_signal_handler(number, on_signal, number)
            try:
                await main()
            finally:
                for job in self._jobs:
                    job.cancel()
                await asyncio.gather(*self._jobs, return_exceptions=True)

        asyncio.run(body())

    def start(self, job: Job) -> Cancel:
        async def run() -> None:
            await job()

        task = asyncio.get_running_loop().create_task(run())
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return task.cancel

    def ring(self) -> None:
        if self._loop is not None and self._bell is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._bell.set)

    async def heard(self) -> None:
        assert self._bell is not None
        await self._bell.wait()
        self._bell.clear()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def now(self) -> float:
        return asyncio.get_running_loop().time()
