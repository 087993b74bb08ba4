"""Promise 8: every loss lies in a declared gap, which stands before the first message after it, and has a cause.

Of several connections as of one: whatever no message brought must have been declared.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls, text_of
from holdfast import Cause, Event, Gap, Item, Paused, Resumed, Resynced, Stale, SubscriptionRefused, Unsubscribed

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


_GAPS_KEPT = 10_000


@lru_cache(maxsize=64)  # several checkers ask about the same message
def number_of(message: str) -> tuple[str, int]:
    """Stream and sequence number of a message of one of the voyage's streams."""
    parts = message.split('"')
    return parts[3], int(parts[6][1:-1])


class LossDeclared(Checker):
    promise = 8

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._last: dict[str, int] = {}
        self._gaps: Counter[str | None] = Counter()  # of single streams, and of all of them
        self._gaps_at: dict[str, int] = {}  # how many gaps there had been when the stream was last heard
        self._owed: dict[str, tuple[float, int]] = {}  # when a stream was said to be missing; gaps as above
        self._refused: set[str] = set()  # since they were heard last: the consumer was told that nothing comes
        self._number = 0  # of gaps
        self._resynced_at: dict[str, float] = {}
        self._number_at: dict[str, int] = {}  # how many there had been of any kind when the stream was last heard
        self._latest: deque[tuple[int, Gap, Collection[str] | None]] = deque(maxlen=_GAPS_KEPT)  # with their numbers
        self._stalls, self._pauses = Stalls(), Stalls()  # what lies unread came earlier than the machine can know
        self._paused_since: float | None = None
        weather = voyage.plan.weather
        self._underway = weather.delay + weather.jitter + 2 * EPSILON

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Paused):
            self._paused_since = event.at if self._paused_since is None else self._paused_since
        elif isinstance(event, Resumed) and self._paused_since is not None:
            self._pauses.add(self._paused_since, event.at)
            self._paused_since = None

    def on_item(self, item: Item, now: float) -> None:
        if (text := text_of(item)) is None:
            if isinstance(item, Gap):
                self._look_at(item)
            elif isinstance(item, Resynced):
                self._resynced_at[item.stream] = item.at
            elif isinstance(item, SubscriptionRefused):
                self._refused.add(item.stream)
            elif self.voyage.plan.overlaps:
                pass  # another connection may bring what one misses
            elif isinstance(item, Unsubscribed) or (isinstance(item, Stale) and item.stream is not None):
                self._note_missing(item)
            return
        stream, number = number_of(text)
        last, gaps = self._last.get(stream), self._gaps_of(stream)
        if last is not None and number < last and self.may_come_late(stream, number):
            return
        if last is not None and number > last + 1:
            # What was held for a snapshot stands behind it, and is missing what the snapshot has: see SnapshotsFollow.
            # Whoever wants a stream again begins anew: what was lost before was given up; so is at once what is held.
            known = max(self._resynced_at.get(stream, -math.inf), self._came_back_at(stream))
            missing = [
                one
                for one in range(last + 1, number)
                if self.voyage.exchange.published_at(stream, one) > known and not self._is_excused(stream, one)
            ]
            if missing and self._gaps_at[stream] == gaps:
                self.fail(f"{stream}: {last} is followed by {number}, and no gap was declared between")
            elif missing and stream not in self._refused:
                self._judge_missing(stream, missing)
        self._refused.discard(stream)
        if stream in self._owed and not self._was_held(stream, number, self._owed[stream][0]):
            at, before = self._owed.pop(stream)
            if before == gaps and not self._has_left_since(stream, at):
                self.fail(f"{stream} was missing from {at:.3f} s on, and {number} came without a gap before it")
        self._take(stream, number)

    def _take(self, stream: str, number: int) -> None:
        """What was held for a snapshot stands behind the gaps of that time, all of which the snapshot makes good."""
        self._last[stream] = number
        resynced = self._resynced_at.get(stream)
        if resynced is not None and self.voyage.exchange.published_at(stream, number) <= resynced:
            self._gaps_at.setdefault(stream, self._gaps_of(stream))
            self._number_at.setdefault(stream, self._number)
        else:
            self._gaps_at[stream] = self._gaps_of(stream)
            self._number_at[stream] = self._number

    def _judge_missing(self, stream: str, missing: list[int]) -> None:
        """Each lies in one of the gaps since the last message, by when it would have come."""
        since_then = takewhile(lambda entry: entry[0] > self._number_at[stream], reversed(self._latest))
        declared = [gap for _, gap, streams in since_then if streams is None or stream in streams]
        published_at = self.voyage.exchange.published_at
        for number in {missing[0], missing[-1], *missing[:: max(1, len(missing) // 8)]}:
            at = published_at(stream, number)
            if not any(self._covers(gap, stream, at) for gap in declared):
                spans = ", ".join(f"{gap.since:.3f} to {gap.until:.3f} s" for gap in declared)
                self.fail(f"{stream}: {number}, published at {at:.3f} s, is missing; gaps were declared from {spans}")

    def _covers(self, gap: Gap, stream: str, at: float) -> bool:
        """Whether what was published then came in that gap, or may have. What was held for a snapshot came earlier than
        the queue knows that drops it.
        """
        snapshots = self.voyage.snapshots
        is_held = gap.cause.cause is Cause.OVERFLOW and snapshots is not None and snapshots.are_for(stream)
        return at <= gap.until and (is_held or self._came(at, gap.since) >= gap.since)

    def _came(self, at: float, since: float) -> float:
        """When what was published then had come at the latest, unless it was lost."""
        if at >= since:
            return at
        unread = self._stalls.noticeable(at, since, 0.0) + self._pauses.noticeable(at, since, 0.0)
        return at + self._underway + self.voyage.held(at, since) + unread

    def _gaps_of(self, stream: str) -> int:
        return self._gaps[None] + self._gaps[stream]

    def _look_at(self, gap: Gap) -> None:
        streams = self.voyage.concerned_by(gap)
        self._gaps.update((None,) if streams is None else streams)
        self._number += 1
        self._latest.append((self._number, gap, streams))
        if gap.since > gap.until + EPSILON:
            self.fail(f"a gap that ends before it begins: {gap}")

    def _was_held(self, stream: str, number: int, since: float) -> bool:
        """Whether it may have come by then, and waited for a snapshot."""
        snapshots = self.voyage.snapshots
        if snapshots is None or not snapshots.are_for(stream):
            return False
        return self.voyage.exchange.published_at(stream, number) <= since

    def _note_missing(self, item: Stale | Unsubscribed) -> None:
        """The machine knows that something may be lost, whether or not it is."""
        user = self.voyage.user
        streams = item.streams if isinstance(item, Unsubscribed) else (str(item.stream),)
        theirs = self.voyage.wanted_on(item.conn)  # one that was wanted again may be another shard's by now
        for stream in streams:
            if stream in self._last and stream in theirs and user is not None and not user.had_left(stream, item.at):
                self._owed.setdefault(stream, (item.at, self._gaps_of(stream)))

    def _is_excused(self, stream: str, number: int) -> bool:
        voyage = self.voyage
        if voyage.was_withheld(stream, number):
            return True
        return voyage.user is not None and voyage.user.had_left(stream, voyage.exchange.published_at(stream, number))

    def _came_back_at(self, stream: str) -> float:
        user = self.voyage.user
        returns = user.absent.get(stream, ()) if user is not None else ()
        snapshots = self.voyage.snapshots
        if returns and returns[-1][1] == math.inf and snapshots is not None and snapshots.are_for(stream):
            return self.voyage.now
        return max((until for _, until in returns if until < math.inf), default=-math.inf)

    def _has_left_since(self, stream: str, at: float) -> bool:
        user = self.voyage.user
        return user is not None and any(until >= at for _, until in user.absent.get(stream, ()))

    def after_healing(self, now: float) -> None:
        """What was published last has arrived, or a gap or a loss of the connection stands behind the last message."""
        if not self.voyage.fleet.is_open or not self._gaps:
            return
        plan, states = self.voyage.plan, self.voyage.fleet.stream_states()
        underway = plan.rate * (4 * (plan.weather.delay + plan.weather.jitter) + 2 * plan.flush_every) + 2
        for stream, last in self._last.items():
            published = self.voyage.exchange.ledger.counts[stream]
            if plan.spoken is not None and states.get(stream) != "subscribed":
                continue  # not wanted, or refused
            if self._has_left_since(stream, self.voyage.exchange.published_at(stream, last)):
                continue
            if published - last > underway and self._gaps_at[stream] == self._gaps_of(stream):
                self.fail(
                    f"{stream}: {published} were published, {last} was the last to arrive, and no gap was declared"
                )
