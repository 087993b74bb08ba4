"""An audit of streams that come and go: what a consumer took, held against what the exchange published.

A message has to be there if its stream was wanted when it was published: from the acknowledgement until the user gave
the stream up. One that is missing is declared if a gap, of its stream or of all, stands in the consumer's log between
the messages of its stream before and after it, and if that gap had not been declared before it was published.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from holdfast import Gap
from holdfast.testing import Publication
from holdfast_cli.ledger import Audit, GapAccount, StreamAccount


@dataclass(frozen=True, slots=True)
class Taken:
    """A message, by what tells it from all others of its stream. `told_first`: it may be no publication, but what a
    service tells of a stream at once.
    """

    stream: str
    key: Hashable
    told_first: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """The user asked for these."""

    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The user gave these up, at `at` seconds on the exchange's clock."""

    streams: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Held:
    """The service acknowledged these, no later than at `at` seconds on the exchange's clock."""

    streams: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Declared:
    """The feed declared a gap, no later than at `at` seconds on the exchange's clock. `streams`: those that it is in,
    where these are neither one nor all.
    """

    gap: Gap
    at: float
    streams: frozenset[str] | None = None

    def is_of(self, stream: str) -> bool:
        """Whether it is in this one."""
        if self.streams is not None:
            return stream in self.streams
        return self.gap.stream in (None, stream)


Entry = Taken | Wanted | Unwanted | Held | Declared  # of the consumer's log, in order


def audit(published: Sequence[tuple[Publication, Hashable]], log: Iterable[Entry]) -> Audit:
    """`published`: each with its key. Raises nothing for whatever a consumer took."""
    walk = _Walk(published)
    for place, entry in enumerate(log):
        walk.step(place, entry)
    return walk.finish()


@dataclass(slots=True)
class _Span:
    """A stream had to bring all that was published in this time; `place` is where that began in the log."""

    place: int
    since: float
    until: float = float("inf")


class _Stream:
    """What is known of one stream."""

    def __init__(self) -> None:
        self.spans: list[_Span] = []
        self.is_wanted = False
        self.is_held = False
        self.places: dict[int, int] = {}  # in the log, of each message taken, by its number
        self.latest = 0
        self.duplicated = 0
        self.displaced = 0

    def take(self, sequence: int, place: int) -> None:
        if sequence in self.places:
            self.duplicated += 1
            return
        self.places[sequence] = place
        self.displaced += sequence < self.latest
        self.latest = max(self.latest, sequence)


class _Walk:
    def __init__(self, published: Sequence[tuple[Publication, Hashable]]) -> None:
        self._published: dict[str, list[Publication]] = defaultdict(list)
        self._numbers: dict[tuple[str, Hashable], int] = {}
        for publication, key in published:
            self._published[publication.stream].append(publication)
            self._numbers[publication.stream, key] = publication.sequence
        self._streams: dict[str, _Stream] = defaultdict(_Stream)
        self._gaps: list[tuple[int, Declared]] = []  # with their places in the log
        self._invented = 0

    def step(self, place: int, entry: Entry) -> None:
        if isinstance(entry, Declared):
            self._gaps.append((place, entry))
        elif isinstance(entry, Taken):
            self._take(place, entry)
        else:
            for name in entry.streams:
                self._change(place, entry, self._streams[name])

    def _take(self, place: int, taken: Taken) -> None:
        sequence = self._numbers.get((taken.stream, taken.key))
        if sequence is not None:
            self._streams[taken.stream].take(sequence, place)
        elif not taken.told_first:
            self._invented += 1

    def _change(self, place: int, entry: Wanted | Unwanted | Held, stream: _Stream) -> None:
        if isinstance(entry, Held):
            if stream.is_wanted and not stream.is_held:
                stream.is_held = True
                stream.spans.append(_Span(place, entry.at))
            return
        if isinstance(entry, Unwanted) and stream.is_held:
            stream.spans[-1].until = entry.at
        stream.is_wanted = isinstance(entry, Wanted)
        stream.is_held = stream.is_held and stream.is_wanted

    def finish(self) -> Audit:
        lost_by_gap: Counter[int] = Counter()
        accounts = [self._account(name, lost_by_gap) for name in sorted(self._published)]
        gaps = tuple(GapAccount(told.gap, lost_by_gap[index]) for index, (_, told) in enumerate(self._gaps))
        return Audit(tuple(accounts), gaps, self._invented)

    def _account(self, name: str, lost_by_gap: Counter[int]) -> StreamAccount:
        stream = self._streams[name]
        numbers = sorted(stream.places)
        declared = undeclared = 0
        for span in stream.spans:
            for publication in self._published[name]:
                if not span.since <= publication.at < span.until or publication.sequence in stream.places:
                    continue
                gap = self._gap_around(publication, stream, numbers, span.place)
                if gap is None:
                    undeclared += 1
                else:
                    declared += 1
                    lost_by_gap[gap] += 1
        received = len(numbers)
        return StreamAccount(
            name,
            published=received + declared + undeclared,
            received=received,
            declared=declared,
            undeclared=undeclared,
            duplicated=stream.duplicated,
            displaced=stream.displaced,
        )

    def _gap_around(self, lost: Publication, stream: _Stream, numbers: list[int], since: int) -> int | None:
        """The gap, by its index, that declares this message lost: the first that does."""
        after = bisect_left(numbers, lost.sequence)
        begin = max(since, stream.places[numbers[after - 1]] if after else 0)
        end = stream.places[numbers[after]] if after < len(numbers) else float("inf")
        for index in range(bisect_left(self._gaps, begin, key=_place), len(self._gaps)):
            place, told = self._gaps[index]
            if place > end:
                break
            if told.is_of(lost.stream) and lost.at <= told.at:
                return index
        return None


def _place(gap: tuple[int, Declared]) -> int:
    return gap[0]
