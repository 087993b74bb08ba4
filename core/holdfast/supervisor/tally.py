"""What a shard has been through, in numbers."""

from __future__ import annotations

from collections import Counter

from holdfast.failures import Failure


class Tally:
    """Counters since the shard was made; `ShardStats` says what each means."""

    __slots__ = (
        "bytes",
        "connections",
        "dials",
        "gaps",
        "last_failure",
        "losses",
        "messages",
        "rebalances",
        "rotations",
        "rtt",
    )

    def __init__(self) -> None:
        self.messages = self.bytes = self.dials = self.connections = self.gaps = 0
        self.rotations = self.rebalances = 0
        self.losses: Counter[str] = Counter()
        self.last_failure: Failure | None = None
        self.rtt: float | None = None

    def note(self, failure: Failure) -> None:
        """A dial or a connection came to this end."""
        self.losses[failure.cause.value] += 1
        self.last_failure = failure

    def add(self, other: Tally) -> None:
        """What another counted, that is no more."""
        self.messages += other.messages
        self.bytes += other.bytes
        self.dials += other.dials
        self.connections += other.connections
        self.gaps += other.gaps
        self.rotations += other.rotations
        self.rebalances += other.rebalances
        self.losses.update(other.losses)
        self.last_failure = other.last_failure or self.last_failure


class LegTally:
    """The same of one leg; `LegStats` says what each means."""

    __slots__ = ("duplicates", "first", "lateness", "losses")

    def __init__(self) -> None:
        self.first = self.duplicates = 0
        self.lateness: float | None = None
        self.losses: Counter[str] = Counter()

    def inherit(self, other: LegTally) -> None:
        """Go on for a leg that is no more."""
        self.first += other.first
        self.duplicates += other.duplicates
        self.lateness = other.lateness if self.lateness is None else self.lateness
        self.losses.update(other.losses)
