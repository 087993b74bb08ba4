"""Whether feeds do what they are there for, and if not, why: for `/ready`, and for people."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.observe.observed import Observed
from holdfast.phrases import seconds
from holdfast.stats import FeedStats, ShardStats


def reasons_of(shard: ShardStats) -> list[str]:
    """Why this shard is not healthy; none if it is: open, with all of its streams acknowledged, and data flowing.

    Streams that the service refuses are no reason: no waiting mends that.
    """
    if shard.state != "open":
        again = f", attempt {shard.attempt}" if shard.attempt else ""
        return [f"{shard.state}{again}" + (f": {shard.last_failure}" if shard.last_failure else "")]
    found: list[str] = []
    if shard.unacknowledged:
        found.append(f"{shard.unacknowledged} of {shard.streams} streams are not acknowledged")
    if shard.silent:
        found.append(f"{shard.silent} of {shard.streams} streams are silent")
    if shard.stale:
        age = shard.data_age
        found.append("no message yet" if age is None else f"no message for {seconds(age)}")
    return found


def unready(feeds: Mapping[str, Observed]) -> list[str]:
    """Why not all shards of all feeds are healthy; empty if they are."""
    return [reason for name, feed in list(feeds.items()) for reason in unready_feed(name, feed.stats())]


def unready_feed(name: str, stats: FeedStats) -> list[str]:
    """The same of one feed."""
    if stats.ended is not None:
        return [f"{name}: gave up: {stats.ended}" if stats.ended else f"{name}: {stats.state}"]
    several = len(stats.shards) > 1
    return [
        f"{name}, shard {number}: {reason}" if several else f"{name}: {reason}"
        for number, shard in stats.shards.items()
        for reason in reasons_of(shard)
    ]
