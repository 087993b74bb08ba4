"""A strict rolling window: at most `count` happenings in any `period` seconds. (A token bucket would let bursts by.)"""

from __future__ import annotations

import math
from collections.abc import Sequence

_SOON = 1.0  # seconds


class RollingWindow:
    """Counts happenings; says when the next one is allowed."""

    __slots__ = ("_count", "_period", "_promised", "_times")

    def __init__(self, count: int, period: float) -> None:
        self._count = count
        self._period = period
        self._times: list[float] = []  # a list: an empty deque takes 600 bytes, and there are several windows a feed
        self._promised: Sequence[float] = ()  # few ever have any

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

    def promise(self, now: float) -> float:
        """For one that is not allowed now: when to come again, behind those that were told so and have not come yet.

        It binds nobody: whoever comes asks `free_at`. But so those who wait come one by one, and not all at once to
        find that there is one place. Who comes in turn, and a little too early because the one before was late, waits
        for that only.
        """
        if (free := self.free_at(now)) - now < _SOON:
            return free
        promised = self._promised = [at for at in self._promised if at > now]
        times = self._times
        place = len(times) + len(promised) - self._count
        if place < 0:
            at = now
        else:
            before = times[place] if place < len(times) else promised[place - len(times)]
            at = max(now, before + self._period)
        promised.append(at)
        return at

    def note(self, now: float) -> None:
        """One happened."""
        self._times.append(now)
        if len(self._times) > self._count:
            del self._times[0]
