"""A few named deadlines and the earliest of them."""

from __future__ import annotations

import math
from enum import IntEnum


class Timers:
    """One deadline (seconds, monotonic; inf is none) for each member of an enum numbered from 0."""

    __slots__ = ("_at", "_next")

    def __init__(self, names: type[IntEnum]) -> None:
        self._at = [math.inf] * len(names)
        self._next = math.inf  # the earliest: asked for far more often than one is set

    def set(self, timer: IntEnum, at: float) -> None:
        before = self._at[timer]
        self._at[timer] = at
        if at <= self._next:
            self._next = at
        elif before == self._next:
            self._next = min(self._at)

    def clear(self, timer: IntEnum) -> None:
        self.set(timer, math.inf)

    def clear_all(self) -> None:
        self._at = [math.inf] * len(self._at)
        self._next = math.inf

    def extend(self, timer: IntEnum, by: float) -> None:
        """Move a deadline that is set; one that is not stays so."""
        self.set(timer, self._at[timer] + by)

    def at(self, timer: IntEnum) -> float:
        return self._at[timer]

    def next(self) -> float:
        return self._next

    def expired(self, now: float) -> int | None:
        """The first timer whose deadline has come, in the order of the enum; its handler must set or clear it."""
        if self._next > now:
            return None
        return next(index for index, at in enumerate(self._at) if at <= now)
