"""Spans of time, of which a voyage may have thousands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator


class Spans:
    """From when to when something was so, in seconds: added in the order in which they begin; they may overlap."""

    def __init__(self) -> None:
        self._begin: list[float] = []
        self._end: list[float] = []
        self._latest: list[float] = []  # the end that is latest, of each and all before it

    def add(self, since: float, until: float) -> None:
        self._begin.append(since)
        self._end.append(until)
        self._latest.append(max(until, self._latest[-1]) if self._latest else until)

    def cover(self, at: float) -> bool:
        """Whether one of them has begun by then, and ends later."""
        before = bisect_right(self._begin, at)
        return before > 0 and self._latest[before - 1] > at

    def touch(self, since: float, until: float) -> bool:
        """Whether one of them lies in between, in part."""
        before = bisect_right(self._begin, until)
        return before > 0 and self._latest[before - 1] >= since

    def between(self, since: float, until: float) -> Iterator[tuple[float, float]]:
        """Those that lie in between, in part; the latest first."""
        for place in range(bisect_right(self._begin, until) - 1, -1, -1):
            if self._latest[place] < since:
                return
            if self._end[place] >= since:
                yield self._begin[place], self._end[place]

    def end(self, now: float) -> None:
        """All are over by now."""
        self._end = [min(ended, now) for ended in self._end]
        self._latest = [min(latest, now) for latest in self._latest]
