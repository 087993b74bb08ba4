"""What a task of asyncio waits for: it runs at once where it may, and is cancelled like anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from helpers.servers import WebSocketServer, send_and_stay
from holdfast import Rotating
from holdfast_asyncio import Feed, open_feed
from holdfast_asyncio.signal import Signal

Steps = list[str]
_NAME: ContextVar[str] = ContextVar("_NAME", default="nobody's")


def in_python(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **named: Any) -> asyncio.Task[Any]:
    return asyncio.tasks._PyTask(work, loop=loop, **named)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(params=[None, in_python], ids=["compiled tasks", "tasks in Python"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[None]]], None]:
    async def with_tasks_of_that_kind(test: Callable[[], Awaitable[None]]) -> None:
        asyncio.get_running_loop().set_task_factory(request.param)
        await asyncio.ensure_future(test())

    return lambda test: asyncio.run(with_tasks_of_that_kind(test))


def waiting(steps: Steps) -> tuple[Signal, asyncio.Task[None]]:
    signal = Signal(asyncio.get_running_loop())

    async def wait() -> None:
        _NAME.set("the consumer's")
        try:
            await signal.wait()
        except asyncio.CancelledError as error:
            steps.append(f"cancelled {error}".strip())
            raise
        steps.append(f"woken in {_NAME.get()} context")

    return signal, asyncio.get_running_loop().create_task(wait())


async def called(function: Callable[[], object]) -> None:
    """By the loop, where no task runs."""
    done = asyncio.get_running_loop().create_future()

    def call() -> None:
        function()
        done.set_result(None)

    asyncio.get_running_loop().call_soon(call)
    await done


def test_where_no_task_runs_it_runs_before_set_returns(run: Callable[..., None]) -> None:
    async def test() -> None:
        steps: Steps = []
        signal, task = waiting(steps)
        await asyncio.sleep(0)

        def set_it() -> None:
            signal.set_at_once()
            steps.append(f"set in {_NAME.get()} context")

        await called(set_it)
        assert steps == ["woken in the consumer's context", "set in nobody's context"]
        await task

    run(test)


def test_where_a_task_runs_it_waits_for_its_turn(run: Callable[..., None]) -> None:
    async def test() -> None:
        steps: Steps = []
        signal, task = waiting(steps)
        await asyncio.sleep(0)
        signal.set_at_once()
        signal.set_at_once()
        steps.append("set")
        await task
        assert steps == ["set", "woken in the consumer's context"]

    run(test)


def test_set_alone_runs_nobody(run: Callable[..., None]) -> None:
    async def test() -> None:
        steps: Steps = []
        signal, task = waiting(steps)
        await asyncio.sleep(0)
        await called(lambda: (signal.set(), steps.append("set")))
        await task
        assert steps == ["set", "woken in the consumer's context"]

    run(test)


def test_what_was_set_before_is_not_waited_for(run: Callable[..., None]) -> None:
    async def test() -> None:
        steps: Steps = []
        signal, task = waiting(steps)
        signal.set_at_once()
        await task
        assert steps == ["woken in the consumer's context"]
        await signal.wait()

    run(test)


def test_cancelling_ends_the_wait_and_set_comes_too_late(run: Callable[..., None]) -> None:
    async def test() -> None:
        steps: Steps = []
        signal, task = waiting(steps)
        await asyncio.sleep(0)
        task.cancel("enough")
        await called(signal.set_at_once)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert steps == ["cancelled enough"]

    run(test)


def test_cancelled_behind_set_it_is_cancelled_once_it_runs(run: Callable[..., None]) -> None:
    async def test() -> None:
        steps: Steps = []
        signal, task = waiting(steps)
        await asyncio.sleep(0)
        signal.set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert steps == ["cancelled"]

    run(test)


def test_what_the_one_who_waits_raises_is_its_own(run: Callable[..., None]) -> None:
    async def test() -> None:
        signal = Signal(asyncio.get_running_loop())

        async def fail() -> None:
            await signal.wait()
            raise ValueError("its own")

        task = asyncio.get_running_loop().create_task(fail())
        await asyncio.sleep(0)
        await called(signal.set_at_once)
        with pytest.raises(ValueError, match="its own"):
            await task

    run(test)


def test_what_a_callback_of_the_user_calls_runs_no_consumer_in_its_midst() -> None:
    async def test(url: str) -> None:
        got: list[object] = []
        before: list[int] = []

        async def consume(feed: Feed[Any]) -> None:
            async for item in feed.items():
                got.append(item)
                if isinstance(item, Rotating):
                    return

        async with open_feed(url) as feed:
            consumer = asyncio.ensure_future(consume(feed))
            while "b" not in got:  # noqa: ASYNC110
                await asyncio.sleep(0)

            def rotate() -> None:
                feed.rotate()
                before.append(sum(isinstance(item, Rotating) for item in got))

            await called(rotate)
            await consumer
        assert before == [0]

    with WebSocketServer(send_and_stay("a", "b")) as server:
        asyncio.run(test(server.url))
