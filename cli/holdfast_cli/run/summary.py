"""What the log tells of a feed from time to time: a line every so many messages, an overview, a warning."""

from __future__ import annotations

import logging
from typing import Any

from holdfast import Cause, Event, Feed, FeedStats, RetryScheduled
from holdfast_cli.run.file import LogOptions

_LOG = logging.getLogger("holdfast.run")


class Summary:
    """Of one feed. `options` may be replaced at any time."""

    def __init__(self, name: str, options: LogOptions, now: float) -> None:
        self.options = options
        self.messages = 0
        self._name = name
        self._told_at = now
        self._told = 0  # messages, when the last line was written
        self._reconnects = 0
        self._warned = 0  # the multiple of `reconnects_warning` that was warned of
        self._shards = 1

    def message(self, feed: Feed[Any], now: float) -> None:
        """One message came."""
        self.messages += 1
        every = self.options.summary_every
        if every is not None and self.messages % every == 0:
            stats = feed.stats()
            _LOG.info("%s: %s", self._name, self._figures(stats, now))

    def event(self, event: Event, feed: Feed[Any]) -> None:
        """Reconnects are counted."""
        if isinstance(event, RetryScheduled) and event.failure.cause is not Cause.DIAL_WINDOW:
            self._reconnects += 1
            self._warn_of_reconnects(feed)

    def overview(self, feed: Feed[Any]) -> None:
        """A line for the feed, and one for each shard that is not open."""
        stats = feed.stats()
        shards = stats.shards
        open_shards = sum(shard.state == "open" for shard in shards.values())
        _LOG.info(
            "%s: %d of %d connections open, %d streams, %d messages, %d gaps, %d reconnects, queue %d bytes%s",
            self._name,
            open_shards,
            len(shards),
            sum(shard.streams for shard in shards.values()),
            stats.messages,
            stats.gaps,
            self._reconnects,
            stats.queued_bytes,
            _age(stats.data_age),
        )
        for number, shard in shards.items():
            if shard.state != "open":
                failed = f": {shard.last_failure}" if shard.last_failure else ""
                _LOG.warning(
                    "%s: connection %d is %s, attempt %d%s", self._name, number, shard.state, shard.attempt, failed
                )

    def _figures(self, stats: FeedStats, now: float) -> str:
        seconds = max(now - self._told_at, 1e-3)
        rate = (self.messages - self._told) / seconds
        self._told_at, self._told = now, self.messages
        return (
            f"{self.messages} messages, {rate:.3g}/s, {stats.received_bytes} bytes received, {stats.gaps} gaps, "
            f"{self._reconnects} reconnects"
        )

    def _warn_of_reconnects(self, feed: Feed[Any]) -> None:
        every = self.options.reconnects_warning
        if every is None or self._reconnects < (self._warned + 1) * every * self._shards:
            return
        self._shards = max(1, len(feed.shards))  # counting these takes time where there are many streams
        reached = self._reconnects // (every * self._shards)
        if reached > self._warned:
            self._warned = reached
            average = self._reconnects / self._shards
            _LOG.warning("%s: %.3g reconnects a connection on average so far", self._name, average)


def _age(seconds: float | None) -> str:
    return "" if seconds is None else f", latest data {seconds:.3g} s ago"
