"""What `async for` goes through: in Python, and compiled where that is installed. Nothing may be lost or come twice."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Event, Stall, compiled
from holdfast.taken import Taken, taken_by

FORMS = [
    "python",
    pytest.param("compiled", marks=pytest.mark.skipif(compiled.module is None, reason="not installed: make test-fast")),
]
EACH_FORM = pytest.mark.parametrize("form", FORMS)


class Source:
    """What a feed would take: messages by runs, each asked for after a turn of the loop, with an event before it."""

    def __init__(self, form: str, runs: list[list[int]]) -> None:
        self.runs = runs
        self.cancelled = 0
        self.taken: Taken[int] = taken_by(self.next_run) if form == "compiled" else Taken(self.next_run)
        self._event = True

    async def next_run(self) -> list[int] | Event:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if not self.runs:
            raise StopAsyncIteration
        self._event = not self._event
        return self.runs.pop(0) if self._event else Stall(0.0, 1.0)


def step(coroutine: Coroutine[Any, Any, int]) -> int | None:
    """Run it as far as it goes at once; what it gave, or None: it waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: int = stop.value
        return value
    return None


def opened(source: Source) -> Coroutine[Any, Any, int]:
    return source.taken.__anext__()  # type: ignore[return-value]  # both forms have send, throw and close


@EACH_FORM
def test_all_comes_in_order(form: str) -> None:
    source = Source(form, [[1, 2, 3], [4], [5, 6]])

    async def run() -> list[int]:
        return [message async for message in source.taken]

    assert asyncio.run(run()) == [1, 2, 3, 4, 5, 6]
    assert list(source.taken) == []


OPS = st.lists(st.sampled_from(["await", "drop", "keep", "await kept", "next", "close", "throw"]), max_size=40)


@EACH_FORM
@given(ops=OPS, sizes=st.lists(st.integers(1, 3), min_size=1, max_size=6))
def test_whatever_is_done_with_what_it_gives_all_comes_once_and_in_order(
    form: str, ops: list[str], sizes: list[int]
) -> None:
    numbers = iter(range(100))
    source = Source(form, [[next(numbers) for _ in range(size)] for size in sizes])
    taken, kept, got, total = source.taken, [], [], sum(sizes)

    async def run() -> None:
        for op in ops:
            if op == "await":
                with suppress(StopAsyncIteration):
                    got.append(await taken.__anext__())
            elif op == "drop":
                opened(source).close()  # nobody awaited it
            elif op == "keep":
                kept.append(opened(source))
            elif op == "await kept" and kept:
                with suppress(StopAsyncIteration):
                    got.append(await kept.pop())
            elif op == "next":
                for message in taken:
                    got.append(message)
                    break
            elif op == "close" and kept:
                kept.pop().close()
            elif op == "throw":
                with pytest.raises(KeyError):
                    opened(source).throw(KeyError("for the test"))
        for one in kept:
            one.close()
        got.extend([message async for message in taken])

    asyncio.run(run())
    assert sorted(got) == list(range(total))
    assert got == sorted(got)


@EACH_FORM
def test_whoever_comes_too_late_waits_for_more(form: str) -> None:
    source = Source(form, [[2, 3]])
    source.taken.put([1])
    first, second = opened(source), opened(source)
    assert step(second) == 1
    assert step(first) is None, "it waits"
    with suppress(StopIteration):
        while True:
            first.send(None)
    assert list(source.taken) == [3]


@EACH_FORM
@pytest.mark.parametrize("there", [True, False])
def test_a_cancelled_wait_reaches_who_waits_and_loses_nothing(form: str, there: bool) -> None:
    source = Source(form, [[2]])
    if there:
        source.taken.put([1])

    async def run() -> list[int]:
        waiting = opened(source)
        if there:
            assert next(iter(source.taken)) == 1  # so that it must wait after all
        task = asyncio.create_task(waiting)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [message async for message in source.taken]

    assert asyncio.run(run()) == [2]
    assert source.cancelled == 1


@EACH_FORM
def test_a_task_that_is_cancelled_before_it_ran_loses_nothing(form: str) -> None:
    source = Source(form, [[2]])
    source.taken.put([1])

    async def run() -> list[int]:
        task = asyncio.create_task(opened(source))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [message async for message in source.taken]

    assert asyncio.run(run()) == [1, 2]


@EACH_FORM
def test_it_is_awaited_once(form: str) -> None:
    source = Source(form, [])
    source.taken.put([1, 2])
    one = opened(source)
    assert step(one) == 1
    with pytest.raises(RuntimeError, match="already"):
        one.send(None)
    closed = opened(source)
    closed.close()
    with pytest.raises(RuntimeError, match="already"):
        closed.send(None)
    assert list(source.taken) == [2]


@EACH_FORM
def test_what_is_thrown_while_it_waits_is_raised_where_it_waits(form: str) -> None:
    source = Source(form, [])
    source.taken.put([1])
    one = opened(source)
    assert list(source.taken) == [1]
    assert step(one) is None
    with pytest.raises(asyncio.CancelledError):
        one.throw(asyncio.CancelledError())
    assert source.cancelled == 1
    waiting = opened(source)
    assert step(waiting) is None
    waiting.close()
    with pytest.raises(RuntimeError, match="already"):
        waiting.send(None)


@EACH_FORM
def test_a_message_may_be_anything(form: str) -> None:
    values: list[Any] = [(1, 2), None, StopIteration(3), KeyError, []]
    taken: Taken[Any] = Source(form, []).taken
    taken.put(list(values))

    async def run() -> list[Any]:
        return [await taken.__anext__() for _ in values]

    assert asyncio.run(run()) == values
    taken.put(list(values))
    for value in values:
        with pytest.raises(StopIteration) as stop:
            taken.__anext__().send(None)  # type: ignore[attr-defined]
        assert stop.value.value is value or stop.value.value == value


@EACH_FORM
def test_nothing_of_it_stays_behind(form: str) -> None:
    def use() -> weakref.ref[Source]:
        source = Source(form, [])
        source.taken.put([object() for _ in range(3)])  # type: ignore[misc]  # whatever they are
        assert step(opened(source)) is not None
        source.waiting = late = opened(source)  # type: ignore[attr-defined]  # a ring through what is not awaited yet
        assert len(list(source.taken)) == 2
        assert step(late) is None
        return weakref.ref(source)

    left = use()
    gc.collect()
    assert left() is None


@EACH_FORM
def test_a_message_leaves_no_memory_behind(form: str) -> None:
    source = Source(form, [])

    def take_thousand() -> None:
        source.taken.put([*range(1000)])
        for _ in range(999):
            step(opened(source))
        opened(source).close()
        late = opened(source)
        list(source.taken)
        step(late)
        late.close()

    take_thousand()
    before = sys.getallocatedblocks()
    for _ in range(20):
        take_thousand()
    assert sys.getallocatedblocks() < before + 100


@pytest.mark.skipif(compiled.module is None, reason="not installed: make test-fast")
def test_what_the_compiled_one_is_given_must_be_right() -> None:
    assert compiled.module is not None
    taken = taken_by(Source("compiled", []).next_run)
    with pytest.raises(TypeError, match="a list"):
        taken.put((1, 2))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        compiled.module.Taken()
    taken.put([1, 2])
    with pytest.raises(TypeError, match="an exception"):
        taken.__anext__().throw(1)  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="throw"):
        taken.__anext__().throw()  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        type(taken.__anext__())()
    shrinking: list[int] = [1, 2, 3]
    taken.put(shrinking)
    assert next(iter(taken)) == 1
    shrinking.clear()
    assert list(taken) == []
