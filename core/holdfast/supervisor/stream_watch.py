"""Silence of single streams: who was acknowledged and brought nothing, who fell silent, who is late."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from holdfast.dialects.words import Patience
from holdfast.records import dataclass
from holdfast.supervisor.meters import StreamTally

_LONGEST_PATIENCE = 64  # times that of the setting, for a stream that nothing mends
_LOOKS_PER_PATIENCE = 4


class Watched:
    """One stream. `heard_at`: when its last message came, or it was acknowledged or reported after that."""

    __slots__ = (
        "bytes",
        "closely",
        "counted",
        "excused",
        "excused_at",
        "heard_at",
        "held",
        "lagging",
        "messages",
        "missed_since",
        "patience",
        "step",
        "stretch",
        "tally",
    )

    def __init__(self, patience: Patience, tally: StreamTally) -> None:
        self.patience = patience
        self.tally = tally
        self.heard_at = 0.0
        self.held = False  # acknowledged on the current connection
        self.messages = 0  # since it was last not held: a first one may come before the acknowledgement
        self.bytes = 0  # of these
        self.counted = 0  # of these, when `heard_at` was last set for another reason
        self.step = 0  # how far up the ladder
        self.stretch = 1  # how much longer it may be silent, because nothing helped
        self.lagging = False
        self.missed_since: float | None = None  # messages may have been lost since then
        self.closely = True  # its next message needs more than to be counted
        self.excused, self.excused_at = 0.0, 0.0  # seconds for which nobody is blamed, of the silence from then on

    @property
    def limit(self) -> float:
        """How long it may be silent now."""
        limit = self.patience.silence
        if not self.messages and self.patience.first is not None:
            limit = self.patience.first
        return math.inf if limit is None or not self.held else limit * self.stretch

    @property
    def silent_since(self) -> float:
        """From when on silence is the service's. What was lost, was lost from `heard_at` on."""
        return self.heard_at + (self.excused if self.excused_at == self.heard_at else 0.0)

    def excuse(self, late: float) -> None:
        if self.excused_at != self.heard_at:
            self.excused, self.excused_at = 0.0, self.heard_at
        self.excused += late

    @property
    def data_at(self) -> float | None:
        """When its last message came, on whatever leg."""
        before = self.tally.heard_at
        return before if self.messages == self.counted else max(self.heard_at, before or self.heard_at)

    def heard_otherwise(self, now: float) -> None:
        """Its silence counts from now on, though no message came."""
        self.tally.heard_at, self.counted = self.data_at, self.messages
        self.heard_at = now

    def count_anew(self) -> None:
        """What it brought so far goes into the books."""
        self.tally.heard_at = self.data_at
        self.tally.messages += self.messages
        self.tally.bytes += self.bytes
        self.messages = self.bytes = self.counted = 0

    def misses(self) -> None:
        """Since its last message others may have been lost, if not earlier."""
        if self.missed_since is None:
            self.missed_since = self.heard_at
        self.closely = True


@dataclass(frozen=True, slots=True)
class Silent:
    """A stream that was silent for too long: for how long, and how often in a row something was done about it."""

    stream: str
    silent: float
    step: int


class StreamWatch:
    """Every wanted stream of a feed, across its connections."""

    def __init__(self, patience: Callable[[str], Patience], tally: Callable[[str], StreamTally]) -> None:
        self.streams: dict[str, Watched] = {}
        self._patience = patience
        self._tally = tally

    def want(self, streams: Iterable[str]) -> None:
        for stream in streams:
            if stream not in self.streams:
                self.streams[stream] = Watched(self._patience(stream), self._tally(stream))

    def forget(self, streams: Iterable[str]) -> None:
        for stream in streams:
            self.streams.pop(stream, None)

    def succeed(self, other: StreamWatch) -> None:
        """Know of the same silences as the other one."""
        for stream, theirs in other.streams.items():
            if (ours := self.streams.get(stream)) is not None:
                ours.step, ours.stretch, ours.missed_since = theirs.step, theirs.stretch, theirs.missed_since
                ours.closely = True

    def held(self, streams: Iterable[str], now: float) -> None:
        """These were acknowledged."""
        for stream in streams:
            if (watched := self.streams.get(stream)) is not None:
                watched.held = True
                watched.heard_otherwise(now)

    def not_held(self, streams: Iterable[str]) -> None:
        """These are not subscribed to for now: their silence is no wonder."""
        for stream in streams:
            if (watched := self.streams.get(stream)) is not None:
                watched.held = False
                watched.closely = True
                watched.count_anew()

    def gone(self, streams: Iterable[str]) -> None:
        """These are not sent any more, and we did not learn it at once."""
        self.not_held(streams)
        for stream in streams:
            if (watched := self.streams.get(stream)) is not None:
                watched.misses()

    def connection_lost(self) -> None:
        self.not_held(self.streams)

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look."""
        for watched in self.streams.values():
            watched.excuse(late)

    def resumed(self, now: float) -> None:
        """Until now we did not read."""
        for watched in self.streams.values():
            watched.excuse(max(0.0, now - watched.silent_since))

    def silent(self, now: float) -> list[Silent]:
        """Those whose patience has ended. Each is one step further up the ladder from here on."""
        found: list[Silent] = []
        for stream, watched in self.streams.items():
            if now - watched.silent_since >= watched.limit:
                found.append(Silent(stream, now - watched.silent_since, watched.step))
                watched.misses()
                watched.step += 1
                watched.heard_otherwise(now)
        return found

    def climbed(self, streams: Iterable[str]) -> None:
        """The ladder is at its end for these: begin again, with more patience."""
        for stream in streams:
            watched = self.streams[stream]
            watched.step = 0
            watched.stretch = min(2 * watched.stretch, _LONGEST_PATIENCE)

    def next_look(self, now: float, planned: float = math.inf) -> float:
        """When `silent` is worth asking again. Deadlines move with every message, so this is no closer than need be. A
        look that was `planned` is not put off, unless nothing can be due by then.
        """
        soonest = earliest = math.inf
        for watched in self.streams.values():
            limit = watched.limit
            if limit < math.inf:
                due = watched.silent_since + limit
                earliest = min(earliest, due)
                soonest = min(soonest, max(due, now + limit / _LOOKS_PER_PATIENCE))
        return min(soonest, max(planned, earliest))
