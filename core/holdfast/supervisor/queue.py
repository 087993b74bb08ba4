"""What was received and not yet taken: messages and events in order, bounded in bytes.

At the bound the policy of `Overflow` acts. Whatever it drops leaves a Gap before the first message behind it, so that
the consumer knows.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable
from dataclasses import replace

from holdfast.events import Closed, Event, EventsDropped, Gap, Item, Message, Resynced
from holdfast.failures import Cause, Failure
from holdfast.settings import ITEM_COST, Overflow

# Events are few, unless nobody takes them for weeks: then the older half is summed up.
MAX_EVENTS = 4096


class _Segment:
    """The messages of one chunk, or one event; what it costs, and when it came."""

    __slots__ = ("at", "cost", "event", "items")

    def __init__(self, items: list[Item], cost: int, at: float, event: Event | None = None) -> None:
        self.items = items
        self.cost = cost
        self.at = at
        self.event = event  # what it holds, if that is one


class ItemQueue:
    """Segments, so that a chunk's messages are queued and taken at once."""

    __slots__ = ("_bound", "_events", "_overflow", "_snapshots", "_waiting", "count", "dropped", "size")

    def __init__(self, bound: int, overflow: Overflow) -> None:
        self._bound = bound
        self._overflow = overflow
        self._waiting: deque[_Segment] | None = None  # an empty one would take 760 bytes
        self._events = 0
        self._snapshots: Counter[str] | None = None  # by stream, once there are any
        self.size = 0  # bytes, with the cost of items
        self.count = 0  # items
        self.dropped = 0  # messages, ever

    @property
    def _segments(self) -> deque[_Segment]:
        """Of those that wait, the oldest first."""
        if (waiting := self._waiting) is None:
            waiting = self._waiting = deque()
        return waiting

    @property
    def is_full(self) -> bool:
        """At the bound or over it: a chunk is never cut in two."""
        return self.size >= self._bound

    @property
    def is_half_empty(self) -> bool:
        return self.size <= self._bound // 2

    def snapshots_of(self, stream: str) -> int:
        """How many of this stream nobody has taken yet."""
        return 0 if self._snapshots is None else self._snapshots[stream]

    def put_messages(self, messages: list[Message], nbytes: int, now: float) -> bool:
        """All messages of a chunk of `nbytes`. The list is the queue's from now on. Returns whether it is full now."""
        policy = self._overflow.policy
        if policy == "drop_newest" and self.is_full:
            self._note_dropped_newest(len(messages), now)
            return True
        cost = nbytes + ITEM_COST * len(messages)
        segments = self._waiting
        if segments is None:
            segments = self._waiting = deque()
        segments.append(_Segment(messages, cost, now))  # type: ignore[arg-type]  # a list of items, to read
        self.size += cost
        self.count += len(messages)
        if self.size > self._bound:
            if policy == "drop_oldest":
                self._drop_oldest(self._bound, now)
            elif policy == "conflate":
                self._conflate(now)
        return self.size >= self._bound

    def put_event(self, event: Event) -> None:
        """One event, whatever the bound."""
        self._append(_event_segment(event))
        if self._events > MAX_EVENTS:
            self._sum_up_events()

    def take(self, limit: int | None = None) -> list[Item]:
        """The oldest items, at most `limit`."""
        taken: list[Item] = []
        while self._waiting and (limit is None or len(taken) < limit):
            taken += self._take_from_first(None if limit is None else limit - len(taken))
        return taken

    def take_run(self, limit: int) -> list[Message] | Event | None:
        """The oldest item if it is an event; else the messages up to the next one, at most `limit`. None: it is empty.

        A list is handed over as it was put, and not looked into.
        """
        segments = self._waiting
        if not segments:
            return None
        first = segments[0]
        if first.event is not None:
            self._pop_first()
            return first.event
        if len(first.items) > limit:
            return self._take_from_first(limit)  # type: ignore[return-value]  # as below
        segments.popleft()
        run = first.items
        cost = first.cost
        while segments and segments[0].event is None and len(run) + len(segments[0].items) <= limit:
            following = segments.popleft()
            cost += following.cost
            run += following.items
        if not segments:
            self._waiting = None
        self.size -= cost
        self.count -= len(run)
        return run  # type: ignore[return-value]  # no segment but an event's holds one

    def _take_from_first(self, room: int | None) -> list[Item]:
        segment = self._segments[0]
        if room is None or len(segment.items) <= room:
            return self._pop_first().items
        cost = segment.cost * room // len(segment.items)
        items, segment.items = segment.items[:room], segment.items[room:]
        segment.cost -= cost
        self.size -= cost
        self.count -= room
        return items

    def _append(self, segment: _Segment) -> None:
        self._segments.append(segment)
        self._account(segment, 1)

    def _pop_first(self) -> _Segment:
        segment = self._segments.popleft()
        self._account(segment, -1)
        return segment

    def _account(self, segment: _Segment, sign: int) -> None:
        self.size += sign * segment.cost
        self.count += sign * len(segment.items)
        if (event := segment.event) is not None:
            self._events += sign
            if type(event) is Resynced:
                self._snapshots = self._snapshots or Counter()
                self._snapshots[event.stream] += sign

    def _rebuild(self, segments: Iterable[_Segment]) -> None:
        self._waiting = deque(segments)
        self.size = sum(segment.cost for segment in self._segments)
        self.count = sum(len(segment.items) for segment in self._segments)
        events = [segment.event for segment in self._segments if segment.event is not None]
        self._events = len(events)
        self._snapshots = Counter(event.stream for event in events if isinstance(event, Resynced))

    # Dropping messages

    def _note_dropped_newest(self, messages: int, now: float) -> None:
        self.dropped += messages
        gap = self._gap(messages, now, now)
        last = self._segments[-1].event
        if isinstance(last, Gap) and _is_ours(last):
            self._segments[-1] = _event_segment(_joined(last, gap))
        else:
            self.put_event(gap)

    def _drop_oldest(self, bound: int, now: float) -> None:
        """Down to the bound. Events that stood among the dropped messages stay, in their order; and so does the newest
        message, which is in the last segment.
        """
        kept: deque[_Segment] = deque()
        while len(self._segments) > 1 and self.size + len(kept) * ITEM_COST > bound:
            segment = self._pop_first()
            event = segment.event
            if event is None:
                self.dropped += len(segment.items)
                event = self._gap(len(segment.items), segment.at, now)
            _keep(kept, event)
        room = bound - len(kept) * ITEM_COST
        if self.size > room and (dropped := self._cut_first(room - ITEM_COST)):
            _keep(kept, self._gap(dropped, now, now))
        for segment in reversed(kept):
            self._segments.appendleft(segment)
            self._account(segment, 1)

    def _cut_first(self, room: int) -> int:
        """Down to that size, or one message; how many were dropped."""
        segment = self._segments[0]
        count = len(segment.items)
        dropped = count - max(1, room * count // segment.cost)
        cost = segment.cost * dropped // count
        del segment.items[:dropped]
        segment.cost -= cost
        self.size -= cost
        self.count -= dropped
        self.dropped += dropped
        return dropped

    def _conflate(self, now: float) -> None:
        """Keep the newest message of every key. Where that frees little, there are too many keys: the oldest go."""
        seen: set[Hashable] = set()
        kept: deque[_Segment] = deque()
        dropped, since = 0, now
        for segment in reversed(self._segments):
            if segment.event is None:
                before = len(segment.items)
                segment.items = self._newest(segment.items, seen)
                if len(segment.items) < before:
                    dropped += before - len(segment.items)
                    since = segment.at
                    segment.cost = segment.cost * len(segment.items) // before
            elif dropped and isinstance(segment.event, Resynced):
                # What was lost behind a snapshot stands behind it, too, or nobody would know that it is out of date.
                kept.appendleft(self._lost(dropped, since, now))
                dropped = 0
            if segment.items:
                kept.appendleft(segment)
        if dropped:
            # One Gap for all of them, before everything that is left: its interval spans every loss.
            kept.appendleft(self._lost(dropped, since, now))
        self._rebuild(kept)
        self._drop_oldest(self._bound * 3 // 4, now)

    def _lost(self, dropped: int, since: float, now: float) -> _Segment:
        self.dropped += dropped
        return _event_segment(self._gap(dropped, since, now))

    def _newest(self, messages: list[Item], seen: set[Hashable]) -> list[Item]:
        newest: list[Item] = []
        for message in reversed(messages):
            key = self._key(message)
            if key not in seen:
                seen.add(key)
                newest.append(message)
        newest.reverse()
        return newest

    def _key(self, message: Item) -> Hashable:
        function = self._overflow.key
        assert function is not None
        try:
            key = function(message)
            hash(key)
        except Exception:  # the user's function: a message that it cannot read stands for itself
            return id(message)
        return key

    def _gap(self, messages: int, since: float, until: float) -> Gap:
        failure = Failure(Cause.OVERFLOW, f"Overflow.policy is {self._overflow.policy}")
        return Gap(until, since, until, failure, dropped=messages)

    # Dropping events

    def _sum_up_events(self) -> None:
        """Of the older half only gaps stay, those with no message between as one, and each stream's latest snapshot."""
        to_look_at = self._events // 2
        kept: deque[_Segment] = deque()
        summed: EventsDropped | None = None
        snapshots = {
            event.stream: segment for segment in self._segments if isinstance(event := segment.event, Resynced)
        }
        last = set(map(id, snapshots.values()))
        for segment in self._segments:
            event = segment.event
            if event is None or to_look_at <= 0 or id(segment) in last or isinstance(event, Closed):
                kept.append(segment)
                continue
            to_look_at -= 1
            before = kept[-1].event if kept else None
            if isinstance(event, Gap):
                if isinstance(before, Gap):
                    kept[-1] = _event_segment(_joined(before, event))
                else:
                    kept.append(segment)
            else:
                count = event.count if isinstance(event, EventsDropped) else 1
                summed = EventsDropped(event.at, count + (summed.count if summed else 0))
        if summed is not None:
            kept.appendleft(_event_segment(summed))
        self._rebuild(kept)


def _event_segment(event: Event) -> _Segment:
    return _Segment([event], ITEM_COST, event.at, event)


def _keep(kept: deque[_Segment], event: Event) -> None:
    """Behind the others; gaps of ours that follow each other are one."""
    before = kept[-1].event if kept else None
    if isinstance(event, Gap) and isinstance(before, Gap) and _is_ours(event) and _is_ours(before):
        kept[-1] = _event_segment(_joined(before, event))
    else:
        kept.append(_event_segment(event))


def _is_ours(gap: Gap) -> bool:
    return gap.cause.cause is Cause.OVERFLOW


def _joined(first: Gap, second: Gap) -> Gap:
    """One gap that spans two; the cause is the first's. Where they are in different streams, it is in all."""
    since, until = min(first.since, second.since), max(first.until, second.until)
    shard = first.shard if first.shard == second.shard else None
    stream = first.stream if first.stream == second.stream else None
    return replace(
        first,
        at=until,
        since=since,
        until=until,
        dropped=first.dropped + second.dropped,
        stream=stream,
        shard=shard,
    )
