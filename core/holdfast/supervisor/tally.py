"""What a shard has been through, in numbers."""

from __future__ import annotations

from collections import Counter

from holdfast.events import Gap
from holdfast.failures import Failure
from holdfast.supervisor.meters import Pace, StreamTally, Uptime, lags, round_trips

_NONE: Counter[str] = Counter()  # where nothing was counted yet; nobody adds to it


class Tally:
    """Counters since the shard was made; `ShardStats` says what each means."""

    __slots__ = (
        "bytes",
        "connections",
        "dials",
        "gap_causes",
        "gap_seconds",
        "gaps",
        "lags",
        "last_failure",
        "losses",
        "messages",
        "pace",
        "rebalances",
        "rotations",
        "rtt",
        "rtts",
        "streams",
        "uptime",
    )

    def __init__(self) -> None:
        self.messages = self.bytes = self.dials = self.connections = self.gaps = 0
        self.rotations = self.rebalances = 0
        self.losses = _NONE
        self.last_failure: Failure | None = None
        self.rtt: float | None = None
        self.rtts = round_trips()
        self.lags = lags()
        self.gap_causes = _NONE
        self.gap_seconds = 0.0
        self.pace = Pace()
        self.uptime = Uptime()
        self.streams: dict[str, StreamTally] = {}

    def declared(self, gap: Gap) -> None:
        """The consumer is told of it."""
        self.gaps += 1
        self.gap_causes = one_more(self.gap_causes, gap.cause.cause.value)
        self.gap_seconds += gap.until - gap.since

    def ponged(self, rtt: float) -> None:
        """A ping was answered after so long."""
        self.rtt = rtt
        self.rtts.add(rtt)

    def stream(self, name: str) -> StreamTally:
        """Of this one; the same for all legs."""
        return self.streams.setdefault(name, StreamTally())

    def note(self, failure: Failure) -> None:
        """A dial or a connection came to this end."""
        self.losses = one_more(self.losses, failure.cause.value)
        self.last_failure = failure

    def add(self, other: Tally) -> None:
        """What another counted, that is no more."""
        self.messages += other.messages
        self.bytes += other.bytes
        self.dials += other.dials
        self.connections += other.connections
        self.gaps += other.gaps
        self.gap_causes = self.gap_causes + other.gap_causes
        self.gap_seconds += other.gap_seconds
        self.rtts.merge(other.rtts)
        self.lags.merge(other.lags)
        self.rotations += other.rotations
        self.rebalances += other.rebalances
        self.losses = self.losses + other.losses
        self.last_failure = other.last_failure or self.last_failure


class LegTally:
    """The same of one leg; `LegStats` says what each means."""

    __slots__ = ("duplicates", "first", "lateness", "losses")

    def __init__(self) -> None:
        self.first = self.duplicates = 0
        self.lateness: float | None = None
        self.losses = _NONE

    def note(self, failure: Failure) -> None:
        """A dial or a connection of the leg came to this end."""
        self.losses = one_more(self.losses, failure.cause.value)

    def inherit(self, other: LegTally) -> None:
        """Go on for a leg that is no more."""
        self.first += other.first
        self.duplicates += other.duplicates
        self.lateness = other.lateness if self.lateness is None else self.lateness
        self.losses = self.losses + other.losses


def one_more(counts: Counter[str], what: str) -> Counter[str]:
    """The counts, with one more of this."""
    counts = counts or Counter()
    counts[what] += 1
    return counts
