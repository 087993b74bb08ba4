"""A strict rolling window: at most `count` happenings in any `period` seconds. (A token bucket would let bursts by.)"""

from __future__ import annotations

import math
from collections import deque


class RollingWindow:
    """Counts happenings; says when the next one is allowed."""

    __slots__ = ("_count", "_period", "_times")

    def __init__(self, count: int, period: float) -> None:
        self._count = count
        self._period = period
        self._times: deque[float] = deque()

    def free_at(self, now: float, keep: int = 0) -> float:
        """The earliest time, not before `now`, at which one more keeps to the window, and leaves room for `keep`."""
        allowed = self._count - keep
        if len(self._times) < allowed:
            return now
        # Strict: the one that happened `period` seconds ago must lie outside.
        return max(now, self._times[-allowed] + self._period)

    @property
    def latest(self) -> float:
        """When the latest one happened; -inf if none did."""
        return self._times[-1] if self._times else -math.inf

    def is_over(self, now: float) -> bool:
        """Whether all that happened lies outside."""
        return self.latest + self._period <= now

    def take_back(self) -> None:
        """The latest did not happen."""
        if self._times:
            self._times.pop()

    def note(self, now: float) -> None:
        """One happened."""
        self._times.append(now)
        if len(self._times) > self._count:
            self._times.popleft()
