"""What was received and not yet taken: messages and events in order, bounded in bytes."""

from __future__ import annotations

from collections import deque

from holdfast.events import Event, Item

# What a message or an event costs beside its bytes: an object's head, a place in a list. Without it, a flood of tiny
# messages would take twenty times the bound.
ITEM_COST = 64


class _Segment:
    """The messages of one chunk, or one event, and what they cost."""

    __slots__ = ("cost", "items")

    def __init__(self, items: list[Item], cost: int) -> None:
        self.items = items
        self.cost = cost


class ItemQueue:
    """Segments, so that a chunk's messages are queued and taken at once."""

    __slots__ = ("_segments", "count", "size")

    def __init__(self) -> None:
        self._segments: deque[_Segment] = deque()
        self.size = 0
        self.count = 0

    def put_messages(self, messages: list[str | bytes], nbytes: int) -> None:
        """All messages of a chunk of `nbytes`. The list is the queue's from now on."""
        self._put(_Segment(messages, nbytes + ITEM_COST * len(messages)))  # type: ignore[arg-type]

    def put_event(self, event: Event) -> None:
        self._put(_Segment([event], ITEM_COST))

    def _put(self, segment: _Segment) -> None:
        self._segments.append(segment)
        self.size += segment.cost
        self.count += len(segment.items)

    def take(self, limit: int | None = None) -> list[Item]:
        """The oldest items, at most `limit`."""
        taken: list[Item] = []
        segments = self._segments
        while segments and (limit is None or len(taken) < limit):
            segment = segments[0]
            room = len(segment.items) if limit is None else limit - len(taken)
            if len(segment.items) <= room:
                segments.popleft()
                items, cost = segment.items, segment.cost
            else:
                items, cost = segment.items[:room], segment.cost * room // len(segment.items)
                segment.items = segment.items[room:]
                segment.cost -= cost
            self.size -= cost
            self.count -= len(items)
            # The common case, one chunk, hands the list over as it is.
            taken = items if not taken else taken + items
        return taken
