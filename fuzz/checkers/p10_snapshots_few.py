"""Promise 10, of snapshots, which may be large: few of a stream wait for the consumer, however long it takes none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from holdfast import Event, EventsDropped, Item, Resynced

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_MAY_WAIT = 2  # by docs/zero-gap.md


class SnapshotsFew(Checker):
    promise = 10

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.snapshots is None
        self._waiting: Counter[str] = Counter()

    def on_event(self, event: Event) -> None:
        if isinstance(event, Resynced):
            self._waiting[event.stream] += 1
            if self._waiting[event.stream] > _MAY_WAIT and not self._were_summed_up():
                self.fail(f"{self._waiting[event.stream]} snapshots of {event.stream} wait for the consumer")

    def on_item(self, item: Item, now: float) -> None:
        if isinstance(item, Resynced):
            self._waiting[item.stream] = max(0, self._waiting[item.stream] - 1)
        elif isinstance(item, EventsDropped):
            self._waiting.clear()  # of each stream one may be left

    def _were_summed_up(self) -> bool:
        """Whether the queue gave up old events, and snapshots among them."""
        segments = self.voyage.fleet._shared.queue._waiting or ()
        return any(isinstance(one.event, EventsDropped) for one in segments)
