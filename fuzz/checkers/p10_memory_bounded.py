"""Promise 10: what waits for the consumer stays within the bound, one read aside, and what a snapshot has released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from holdfast import Endpoint

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_COST_OF_ITEM = 64
_SHORTEST_MESSAGE = 20  # bytes on the wire, of the voyage's service
_SHORTEST_COMPRESSED, _LONGEST_INFLATED = 8, 70
_EVENTS_KEPT = 5000  # the machine keeps no more than about so many
_EVENTS_OF_A_DIAL = 6
_SHARE = 4  # a quarter of `memory_limit` is not for the queue


class MemoryBounded(Checker):
    promise = 10

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._largest_read = 0
        limit = self.config.memory_limit
        self._bound = self.config.limits.max_queue_size if limit is None else limit - limit // _SHARE
        self._queued = 0  # at most, by what was read since we looked
        self._released = 0  # bytes; at most, by what was held for snapshots since the queue was within its bound
        self._growth = 1 + _COST_OF_ITEM // _SHORTEST_MESSAGE
        if voyage.plan.rules.compress:
            self._growth = (_LONGEST_INFLATED + _COST_OF_ITEM) // _SHORTEST_COMPRESSED

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        self._queued += _COST_OF_ITEM * _EVENTS_OF_A_DIAL

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        self._largest_read = max(self._largest_read, len(data))
        self._queued += len(data) * self._growth
        self._released = max(self._released, self._held)
        # Statistics cost more than the rest of a read: look only where the queue may have grown so long.
        if not self.voyage.process.consumer_pause or self._queued <= self._bound:
            return
        one_read = self._largest_read * self._growth
        events = _COST_OF_ITEM * min(_EVENTS_KEPT, self.voyage.fleet._shared.queue._events)
        queued = self._queued = self.voyage.fleet.stats(now).queued_bytes
        if queued > self._bound + 2 * one_read + events + self._released:
            self.fail(f"{queued} bytes are queued; the bound is {self._bound}")
        if queued < self._bound:
            self._released = 0

    @property
    def _held(self) -> int:
        """Bytes that wait for snapshots: these have a bound of their own, and nothing outside tells of them."""
        resyncs = self.voyage.fleet._shards._resyncs
        return 0 if resyncs is None else resyncs._size
