"""An audit: what a consumer took from a feed, held against what the exchange published.

It goes by order, never by clocks. A lost message is declared if it was published between the last message that the
consumer took before a `Gap` and the first one it took after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast import Gap
from holdfast.testing import Publication

Taken = tuple[str, int]  # a message: its stream, and its number in the stream
Entry = Taken | Gap  # of the consumer's log, in the order in which they came out of the feed


@dataclass(frozen=True, slots=True)
class StreamAccount:
    """One stream, from the first message the consumer took (of any stream) to the last one published.

    `published == received + declared + undeclared`: each message was taken at least once, or lost inside a declared
    gap, or lost outside of all. `duplicated` counts takings of a message that was taken before, `displaced` messages
    taken after a later one of any stream.
    """

    stream: str
    published: int
    received: int
    declared: int
    undeclared: int
    duplicated: int
    displaced: int

    @property
    def lost(self) -> int:
        """Published, and never taken."""
        return self.declared + self.undeclared


@dataclass(frozen=True, slots=True)
class GapAccount:
    """A declared gap, and how many messages were lost in it."""

    gap: Gap
    lost: int


@dataclass(frozen=True, slots=True)
class Audit:
    """`invented`: messages taken that were never published."""

    streams: tuple[StreamAccount, ...]
    gaps: tuple[GapAccount, ...]
    invented: int

    @property
    def total(self) -> StreamAccount:
        """All streams together."""
        return StreamAccount(
            "total",
            published=sum(one.published for one in self.streams),
            received=sum(one.received for one in self.streams),
            declared=sum(one.declared for one in self.streams),
            undeclared=sum(one.undeclared for one in self.streams),
            duplicated=sum(one.duplicated for one in self.streams),
            displaced=sum(one.displaced for one in self.streams),
        )


def audit(published: Sequence[Publication], log: Iterable[Entry]) -> Audit:
    """Hold the consumer's log against all that was published, in order, to the streams it had asked for."""
    walk = _Walk(published)
    for entry in log:
        if isinstance(entry, Gap):
            walk.declare(entry)
        else:
            walk.take(entry)
    return walk.finish()


@dataclass(slots=True)
class _Skip:
    """Positions that were passed over between two messages, and the gap (its index) that was declared between them."""

    positions: range
    gap: int | None


class _Walk:
    """Along the consumer's log. A position is a place in the order of publication, over all streams."""

    def __init__(self, published: Sequence[Publication]) -> None:
        self._published = published
        self._positions = {(one.stream, one.sequence): position for position, one in enumerate(published)}
        self._taken: set[int] = set()
        self._first: int | None = None
        self._next = 0  # the position behind the latest message taken
        self._gaps: list[Gap] = []
        self._gap: int | None = None  # declared since the last message
        self._skips: list[_Skip] = []
        self._duplicated: Counter[str] = Counter()
        self._displaced: Counter[str] = Counter()
        self._invented = 0

    def declare(self, gap: Gap) -> None:
        self._gaps.append(gap)
        if self._gap is None:
            self._gap = len(self._gaps) - 1

    def take(self, message: Taken) -> None:
        position = self._positions.get(message)
        if position is None:
            self._invented += 1
        elif position in self._taken:
            self._duplicated[message[0]] += 1
        else:
            self._take_new(position, message[0])
        self._gap = None

    def _take_new(self, position: int, stream: str) -> None:
        self._taken.add(position)
        if self._first is None:
            self._first = position
        elif position < self._next:
            self._displaced[stream] += 1
            return
        else:
            self._skips.append(_Skip(range(self._next, position), self._gap))
        self._next = position + 1

    def finish(self) -> Audit:
        self._skips.append(_Skip(range(self._next, len(self._published)), self._gap))
        lost_by_gap: Counter[int | None] = Counter()
        declared: Counter[str] = Counter()
        undeclared: Counter[str] = Counter()
        for skip in self._skips:
            # What was passed over may have come later, displaced: then it is not lost.
            lost = [self._published[one].stream for one in skip.positions if one not in self._taken]
            lost_by_gap[skip.gap] += len(lost)
            (undeclared if skip.gap is None else declared).update(lost)
        return Audit(
            self._accounts(declared, undeclared),
            tuple(GapAccount(gap, lost_by_gap[index]) for index, gap in enumerate(self._gaps)),
            self._invented,
        )

    def _accounts(self, declared: Counter[str], undeclared: Counter[str]) -> tuple[StreamAccount, ...]:
        first = self._first or 0
        published = Counter(one.stream for one in self._published[first:])
        received = Counter(self._published[one].stream for one in self._taken if one >= first)
        return tuple(
            StreamAccount(
                stream,
                published[stream],
                received[stream],
                declared[stream],
                undeclared[stream],
                self._duplicated[stream],
                self._displaced[stream],
            )
            for stream in sorted({one.stream for one in self._published})
        )
