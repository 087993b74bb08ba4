"""What `/status` says, as plain data for JSON. docs/observing.md describes it; a change of meaning is a new version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast.events import Gap, RecentEvent, ShardEvent
from holdfast.observe.observed import Observed
from holdfast.observe.readiness import reasons_of, unready_feed
from holdfast.phrases import DEBUG, ERROR, INFO, WARNING, describe, level_of
from holdfast.stats import FeedStats, Histogram, LegStats, ShardStats, StreamStats

VERSION = 1
_GAPS_SHOWN = 200
_LEVELS = {DEBUG: "debug", INFO: "info", WARNING: "warning", ERROR: "error"}
_NOT_OF_A_FEED = ("shards", "legs", "at", "unix_time")


def status(feeds: Mapping[str, Observed], *, streams: bool = False) -> dict[str, Any]:
    """Of all these feeds; of each stream as well, if that is asked for. Ages are seconds, times are Unix seconds."""
    told: dict[str, Any] = {}
    reasons: list[str] = []
    now = 0.0
    for name, feed in list(feeds.items()):
        stats = feed.stats()
        now = max(now, stats.unix_time)
        reasons += unready_feed(name, stats)
        told[name] = _feed(feed, stats)
        if streams:
            told[name]["stream_stats"] = {stream: _fields(one) for stream, one in feed.stream_stats().items()}
    return {"version": VERSION, "time": now, "ready": not reasons, "reasons": reasons, "feeds": told}


def _feed(feed: Observed, stats: FeedStats) -> dict[str, Any]:
    wall_offset = stats.unix_time - stats.at
    return {
        **{name: value for name, value in _fields(stats).items() if name not in _NOT_OF_A_FEED},
        **_histograms(stats),
        "shards": {str(number): _shard(shard) for number, shard in stats.shards.items()},
        "events": [_event(recent) for recent in feed.recent_events],
        "recent_gaps": [_gap(gap, wall_offset) for gap in feed.gaps[-_GAPS_SHOWN:]],
    }


def _shard(shard: ShardStats) -> dict[str, Any]:
    reasons = reasons_of(shard)
    return {
        **_fields(shard),
        **_histograms(shard),
        "legs": [_fields(leg) for leg in shard.legs],
        "healthy": not reasons,
        "reasons": reasons,
    }


def _fields(stats: FeedStats | ShardStats | StreamStats | LegStats | Histogram) -> dict[str, Any]:
    """As `asdict`, without a copy of every number: this is done while a feed waits."""
    return {name: getattr(stats, name) for name in stats.__slots__}


def _histograms(stats: FeedStats | ShardStats) -> dict[str, Any]:
    return {"rtts": _fields(stats.rtts), "lags": _fields(stats.lags)}


def _event(recent: RecentEvent) -> dict[str, Any]:
    event = recent.event
    return {
        "at": recent.unix_time,
        "shard": recent.shard if not isinstance(event, ShardEvent) or event.shard is None else event.shard,
        "event": type(event).__name__,
        "level": _LEVELS[level_of(event)],
        "text": describe(event),
    }


def _gap(gap: Gap, wall_offset: float) -> dict[str, Any]:
    return {
        "since": gap.since + wall_offset,
        "until": gap.until + wall_offset,
        "cause": gap.cause.cause.value,
        "text": str(gap.cause),
        "shard": gap.shard,
        "stream": gap.stream,
        "dropped": gap.dropped,
        "filled_by": gap.filled_by,
    }
