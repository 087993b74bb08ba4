"""All that is told of the shards of a feed together, those included that are no more."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.events import Closed, Gap
from holdfast.fleet.summary import summed_up
from holdfast.stats import FeedStats, StreamStats
from holdfast.supervisor import Shared, State, Supervisor, Tally

_GAPS_REMEMBERED = 1000


class Account:
    """`running`: the shards, by number."""

    __slots__ = ("_gaps", "_past", "_running", "_shared", "stalls")

    def __init__(self, running: Mapping[int, Supervisor], shared: Shared) -> None:
        self.stalls = 0
        self._running = running
        self._shared = shared
        self._past: Tally | None = None  # of those that are no more, once there are any
        self._gaps: tuple[Gap, ...] = ()  # of these

    def ended(self, shard: Supervisor) -> None:
        """It is no more."""
        self._past = self._past or Tally()
        self._past.add(shard.tally)
        self._gaps = (*self._gaps, *shard.gaps)[-_GAPS_REMEMBERED:]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest gaps, oldest first."""
        gaps = [*self._gaps, *(gap for shard in self._running.values() for gap in shard.gaps)]
        gaps.sort(key=lambda gap: gap.at)
        return tuple(gaps[-_GAPS_REMEMBERED:])

    def stream_states(self) -> dict[str, str]:
        """For each wanted stream: wanted, asked, subscribed or refused."""
        states: dict[str, str] = {}
        for shard in self._running.values():
            states.update(shard.stream_states())
        return states

    def stats(self, closed: Closed | None, dropped: int, now: float) -> FeedStats:
        """All of them together, and each. `closed`: the feed's last item, if it has ended; `dropped`: messages."""
        end = None if closed is None else State.CLOSING.value if self._shared.shards else State.CLOSED.value
        return summed_up(
            {number: shard.stats(now) for number, shard in self._running.items()},
            self._past or Tally(),
            self._shared.queue,
            dropped=dropped,
            stalls=self.stalls,
            end=end,
            closed=closed,
            now=now,
            unix_time=now + self._shared.wall_offset,
        )

    def stream_stats(self, now: float) -> dict[str, StreamStats]:
        """Of each that is wanted."""
        found: dict[str, StreamStats] = {}
        for number, shard in self._running.items():
            found.update(shard.stream_stats(number, now))
        return found
