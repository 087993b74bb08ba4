"""A feed in lines of a log, now and then. When, and what they say, is decided here; writing them is for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from holdfast.checks import count, positive_or_none
from holdfast.observe.readiness import reasons_of
from holdfast.phrases import INFO, WARNING, seconds
from holdfast.stats import FeedStats, ShardStats


class Line(NamedTuple):
    """One line. `level`: as in the standard library's logging."""

    level: int
    text: str


class Summary:
    """Of one feed. Ask `lines` once a second or so: what is due by then is one line each, however much came.

    `every_messages` and `every_seconds`: a line of statistics after so many messages, and after so many seconds at the
    latest. `overview_every`: seconds between two overviews, with a line for each shard. `warn_at`: a warning when
    shards have lost so many connections, dials in vain included, on average, and at each multiple of it. None: never.
    """

    def __init__(
        self,
        *,
        every_messages: int | None = 500,
        every_seconds: float | None = 60.0,
        overview_every: float | None = 60.0,
        warn_at: int | None = 10,
    ) -> None:
        for name, value in (("every_messages", every_messages), ("warn_at", warn_at)):
            if value is not None:
                count(f"Summary.{name}", value)
        for name, duration in (("every_seconds", every_seconds), ("overview_every", overview_every)):
            positive_or_none(f"Summary.{name}", duration)
        self._every_messages = every_messages
        self._every_seconds = every_seconds
        self._overview_every = overview_every
        self._warn_at = warn_at
        self._told: FeedStats | None = None  # in the latest line of statistics
        self._overview_at: float | None = None
        self._warned = 0  # multiples of `warn_at`

    def lines(self, stats: FeedStats) -> list[Line]:
        """What is due."""
        if self._told is None:  # nothing happened before
            self._told, self._overview_at = stats, stats.at
            return []
        found: list[Line] = []
        if self._is_due(stats, self._told):
            found.append(Line(INFO, statistics(stats, since=self._told)))
            self._told = stats
        if self._overview_every is not None and stats.at - (self._overview_at or 0.0) >= self._overview_every:
            self._overview_at = stats.at
            found += [Line(INFO, text) for text in overview(stats)]
        average = _lost(stats.losses) / max(1, len(stats.shards))
        if self._warn_at is not None and average >= self._warn_at * (self._warned + 1):
            self._warned = int(average // self._warn_at)
            found.append(Line(WARNING, f"{average:.3g} lost connections a shard on average: {_causes(stats.losses)}"))
        return found

    def _is_due(self, stats: FeedStats, told: FeedStats) -> bool:
        messages, duration = stats.messages - told.messages, stats.at - told.at
        by_messages = self._every_messages is not None and messages >= self._every_messages
        return by_messages or (self._every_seconds is not None and duration >= self._every_seconds)


def statistics(stats: FeedStats, *, since: FeedStats) -> str:
    """A feed in one line. `since`: what was told before."""
    messages, duration = stats.messages - since.messages, max(stats.at - since.at, 0.001)
    shards = list(stats.shards.values())
    parts = [
        f"{stats.messages} messages",
        f"{messages} in the last {seconds(duration)} ({_pace(messages / duration)})",
        "none yet" if stats.data_age is None else f"the latest {seconds(stats.data_age)} ago",
        f"{sum(one.state == 'open' for one in shards)} of {len(shards)} open",
        _counted(_lost(stats.losses), "lost connection"),
        _counted(stats.gaps, "gap"),
    ]
    if stats.queued_messages:
        parts.append(f"{stats.queued_messages} queued")
    if stats.dropped:
        parts.append(f"{stats.dropped} dropped")
    return ", ".join(parts)


def overview(stats: FeedStats) -> list[str]:
    """A feed and its shards, a line each."""
    shards = stats.shards.values()
    healthy = sum(not reasons_of(one) for one in shards)
    head = f"{healthy} of {len(shards)} shards healthy, {stats.streams} streams, {_pace(stats.rate)}"
    return [head, *(f"shard {number}: {_told(shard)}" for number, shard in stats.shards.items())]


def _told(shard: ShardStats) -> str:
    state = shard.state
    if shard.connected_for is not None:
        state += f" for {seconds(shard.connected_for)}"
    parts = [
        state,
        _counted(shard.streams, "stream"),
        _pace(shard.rate),
        f"{shard.messages} messages",
        "none yet" if shard.data_age is None else f"the latest {seconds(shard.data_age)} ago",
    ]
    if shard.rtt is not None:
        parts.append(f"round trip {shard.rtt * 1000:.0f} ms")
    lost = _lost(shard.losses)
    parts.append(_counted(lost, "lost connection") + (f" ({_causes(shard.losses)})" if lost else ""))
    parts.append(_counted(shard.gaps, "gap"))
    reasons = [] if shard.state == "open" else [shard.last_failure] if shard.last_failure else []
    reasons += reasons_of(shard) if shard.state == "open" else []
    return "; ".join([", ".join(parts), *reasons])


def _lost(losses: Mapping[str, int]) -> int:
    return sum(losses.values())


def _causes(losses: Mapping[str, int]) -> str:
    most = sorted(losses.items(), key=lambda item: -item[1])
    return ", ".join(f"{cause} {times}" for cause, times in most)


def _pace(rate: float) -> str:
    return f"{rate:.1f} messages/s" if rate < 10 else f"{rate:.0f} messages/s"


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
