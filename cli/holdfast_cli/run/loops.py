"""What the service needs of asyncio or trio: jobs that come and go, and a bell that signals can ring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from holdfast import Feed
from holdfast.observe import StatusServer
from holdfast_cli.exits import Exit, fail

Job = Callable[[], Awaitable[None]]
Cancel = Callable[[], object]


class Loop(Protocol):
    """All but `run` and `ring` is for the inside of `run`. Jobs may not raise."""

    @property
    def name(self) -> str: ...

    @property
    def open_feed(self) -> Callable[..., AbstractAsyncContextManager[Feed[Any]]]: ...

    @property
    def serve_status(self) -> Callable[..., AbstractAsyncContextManager[StatusServer]]: ...

    def run(self, main: Job, on_signal: Callable[[int], None], numbers: list[int]) -> None:
        """Run `main` to its end; then jobs that are still there are cancelled."""
        ...

    def start(self, job: Job) -> Cancel:
        """Run a job beside all else."""
        ...

    def ring(self) -> None:
        """Wake `heard`. From any thread, or a signal handler."""
        ...

    async def heard(self) -> None:
        """Wait for `ring`, or return at once if it was called since the last time."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def now(self) -> float:
        """Seconds, on the clock of events."""
        ...


def load_loop(name: str) -> Loop:
    """Ends the command with an error of one line if its library is not installed."""
    if name == "asyncio":
        from holdfast_cli.run.asyncio_loop import AsyncioLoop

        return AsyncioLoop()
    try:
        import trio  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ModuleNotFoundError:
        fail("--transport trio needs trio: pip install 'holdfast[trio]'", Exit.BROKEN)
    from holdfast_cli.run.trio_loop import TrioLoop

    return TrioLoop()
