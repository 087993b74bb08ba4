"""What a feed has been through, in numbers."""

from __future__ import annotations

from collections import Counter

from holdfast.failures import Failure


class Tally:
    """Counters since the feed was made; `FeedStats` says what each means."""

    __slots__ = ("bytes", "connections", "dials", "gaps", "last_failure", "losses", "messages", "rtt", "stalls")

    def __init__(self) -> None:
        self.messages = self.bytes = self.dials = self.connections = self.gaps = self.stalls = 0
        self.losses: Counter[str] = Counter()
        self.last_failure: Failure | None = None
        self.rtt: float | None = None

    def note(self, failure: Failure) -> None:
        """A dial or a connection came to this end."""
        self.losses[failure.cause.value] += 1
        self.last_failure = failure
