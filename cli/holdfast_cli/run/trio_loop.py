"""`Loop` on trio."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import trio

from holdfast_cli.run.loops import Cancel, Job
from holdfast_trio import open_feed, serve_status


class TrioLoop:
    name = "trio"

    def __init__(self) -> None:
        self.open_feed = open_feed
        self.serve_status = serve_status
        self._token: trio.lowlevel.TrioToken | None = None
        self._nursery: trio.Nursery | None = None
        self._bell = trio.Event()

    def run(self, main: Job, on_signal: Callable[[int], None], numbers: list[int]) -> None:  # noqa: ARG002
        # Signal handlers that are set already wake trio by themselves.
        async def body() -> None:
            self._token = trio.lowlevel.current_trio_token()
            async with trio.open_nursery() as self._nursery:
                await main()
                self._nursery.cancel_scope.cancel()

        trio.run(body)

    def start(self, job: Job) -> Cancel:
        scope = trio.CancelScope()

        async def run() -> None:
            with scope:
                await job()

        assert self._nursery is not None
        self._nursery.start_soon(run)
        return scope.cancel

    def ring(self) -> None:
        if self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._set_bell)

    def _set_bell(self) -> None:
        self._bell.set()  # the present one

    async def heard(self) -> None:
        await self._bell.wait()
        self._bell = trio.Event()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    def now(self) -> float:
        return trio.current_time()
