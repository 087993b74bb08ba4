"""The deadlines of many: which is the earliest, and whose. One heap, whatever their number."""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K")
_SPARE = 64  # entries that are out of date and may lie in the heap, beside as many as there are deadlines


class Agenda(Generic[K]):
    """One deadline each; `next` is the earliest, inf for none. Those that moved stay in the heap, and are passed over
    when they come to its top.
    """

    __slots__ = ("_at", "_heap", "_order", "next")

    def __init__(self) -> None:
        self.next = math.inf
        self._at: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = 0  # so that keys are never compared, and what is due together comes in order

    def set(self, key: K, at: float) -> None:
        """Its deadline; inf for none."""
        if self._at.get(key, math.inf) == at:
            return
        if at == math.inf:
            del self._at[key]
        else:
            self._at[key] = at
            self._order += 1
            heappush(self._heap, (at, self._order, key))
            if len(self._heap) > 2 * len(self._at) + _SPARE:
                self._heap = [(time, order, one) for order, (one, time) in enumerate(self._at.items())]
                heapify(self._heap)
        heap, current = self._heap, self._at
        while heap and current.get(heap[0][2]) != heap[0][0]:
            heappop(heap)
        self.next = heap[0][0] if heap else math.inf

    def first(self) -> K:
        """Whose the earliest is. There must be one."""
        return self._heap[0][2]
