"""What a command needs of asyncio or trio, under one set of names, so that it is written once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from holdfast import Feed
from holdfast_cli.exits import Exit, fail

T = TypeVar("T")
Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Transport:
    """`run(main)` runs an async function to its end; inside of it the others can be used.

    `beside(job)`, an async context manager, runs `job` along with its body, and cancels it at the end of that.
    What goes wrong in either is raised by `run`, outside of exception groups; so is KeyboardInterrupt.
    """

    name: str
    open_feed: Callable[..., AbstractAsyncContextManager[Feed[Any]]]
    sleep: Callable[[float], Awaitable[object]]
    beside: Callable[[Job], AbstractAsyncContextManager[None]]
    run: Callable[[Job], None]


def load_transport(name: str) -> Transport:
    """By its name; ends the command with an error of one line if its library is not installed."""
    return _LOAD[name]()


def _load_asyncio() -> Transport:
    import asyncio

    from holdfast_asyncio import open_feed

    @asynccontextmanager
    async def beside(job: Job) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_as_coroutine(job))
            yield
            task.cancel()

    return Transport("asyncio", open_feed, asyncio.sleep, beside, lambda main: _run(asyncio.run, _as_coroutine(main)))


def _load_trio() -> Transport:
    try:
        import trio
    except ModuleNotFoundError:
        fail("--transport trio needs trio: pip install 'holdfast[trio]'", Exit.BROKEN)

    from holdfast_trio import open_feed

    @asynccontextmanager
    async def beside(job: Job) -> AsyncGenerator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(job)
            yield
            nursery.cancel_scope.cancel()

    return Transport("trio", open_feed, trio.sleep, beside, lambda main: _run(trio.run, main))


async def _as_coroutine(job: Job) -> None:
    await job()


def _run(runner: Callable[[T], None], main: T) -> None:
    try:
        runner(main)
    except BaseExceptionGroup as group:
        # Ctrl-C above all; else the first of those that went wrong together.
        raise _innermost(group.subgroup(KeyboardInterrupt) or group) from None


def _innermost(error: BaseException) -> BaseException:
    members: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return _innermost(members[0]) if members else error


_LOAD = {"asyncio": _load_asyncio, "trio": _load_trio}
