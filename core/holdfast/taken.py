"""Messages that were taken from the machine and not given yet: what `async for` over a feed goes through.

Compiled (`fast/holdfast_fast/_taken.c`), it gives a message that is there without a coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from holdfast import compiled
from holdfast.events import Event

M = TypeVar("M")
NextRun = Callable[[], Coroutine[Any, Any, list[M] | Event]]


class Taken(Generic[M]):
    """`next_run` gives messages, in a list that is not empty, or an event, which is passed over here."""

    __slots__ = ("_left", "_next_run")

    def __init__(self, next_run: NextRun[M]) -> None:
        self._next_run = next_run
        self._left: Iterator[M] = iter(())

    def put(self, messages: list[M]) -> None:
        """These are next. None must be left of others."""
        self._left = iter(messages)

    def __iter__(self) -> Iterator[M]:
        """Those that are left; whoever breaks off leaves the rest."""
        return self._left

    def __aiter__(self) -> Taken[M]:
        return self

    async def __anext__(self) -> M:
        for message in self._left:
            return message
        while isinstance(run := await self._next_run(), Event):
            pass
        self._left = iter(run)
        return next(self._left)


def taken_by(next_run: NextRun[M]) -> Taken[M]:
    """One of these, or the compiled one."""
    if compiled.module is None:
        return Taken(next_run)

    async def fetch() -> M:
        for message in taken:  # it may have been asked for long before it is awaited
            return message
        while isinstance(run := await next_run(), Event):
            pass
        taken.put(run)
        return next(iter(taken))

    taken: Taken[M] = compiled.module.Taken(fetch)
    return taken
