"""What is needed of a feed to look at it."""

from __future__ import annotations

from typing import Protocol

from holdfast.events import Gap, RecentEvent
from holdfast.stats import FeedStats, StreamStats


class Observed(Protocol):
    """A `Feed` is one. None of these changes anything."""

    def stats(self) -> FeedStats:
        """At this moment."""
        ...

    def stream_stats(self) -> dict[str, StreamStats]:
        """Of each stream that is wanted."""
        ...

    @property
    def recent_events(self) -> tuple[RecentEvent, ...]:
        """The latest, oldest first."""
        ...

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest, oldest first."""
        ...
