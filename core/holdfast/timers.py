"""A few named deadlines and the earliest of them."""

from __future__ import annotations

import math
from enum import IntEnum


class Timers:
    """One deadline (seconds, monotonic; inf is none) for each member of an enum numbered from 0."""

    __slots__ = ("_at",)

    def __init__(self, names: type[IntEnum]) -> None:
        self._at = [math.inf] * len(names)

    def set(self, timer: IntEnum, at: float) -> None:
        self._at[timer] = at

    def clear(self, timer: IntEnum) -> None:
        self._at[timer] = math.inf

    def clear_all(self) -> None:
        self._at = [math.inf] * len(self._at)

    def extend(self, timer: IntEnum, by: float) -> None:
        """Move a deadline that is set; one that is not stays so."""
        self._at[timer] += by

    def at(self, timer: IntEnum) -> float:
        return self._at[timer]

    def next(self) -> float:
        return min(self._at)

    def expired(self, now: float) -> int | None:
        """The first timer whose deadline has come, in the order of the enum; its handler must set or clear it."""
        return next((index for index, at in enumerate(self._at) if at <= now), None)
