"""Feeds as Prometheus metrics: `Feed.stats()` in its conventions, asked for when it is scraped.

Needs prometheus-client, so that nothing else imports it. docs/observing.md lists the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from holdfast.observe.observed import Observed
from holdfast.observe.readiness import reasons_of
from holdfast.stats import FeedStats, Histogram, ShardStats, StreamStats

Labels = tuple[str, ...]  # their values
Value = float | None  # None: there is no such thing yet, and no sample
Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
Row = tuple[Family, str, str]  # a counter's name is without its _total

_FEED: dict[Row, Callable[[FeedStats], Value]] = {
    (GaugeMetricFamily, "queued_messages", "Messages that wait for the consumer."): lambda one: one.queued_messages,
    (GaugeMetricFamily, "queued_bytes", "Bytes that wait for the consumer."): lambda one: one.queued_bytes,
    (CounterMetricFamily, "dropped_messages", "Messages dropped for want of a consumer."): lambda one: one.dropped,
    (CounterMetricFamily, "stalls", "Times that our own process did not run for a while."): lambda one: one.stalls,
    (GaugeMetricFamily, "ended", "1 if the feed has ended."): lambda one: one.ended is not None,
    (GaugeMetricFamily, "gave_up", "1 if it has ended because no retry can help."): lambda one: bool(one.ended),
}
_SHARD: dict[Row, Callable[[ShardStats], Value]] = {
    (GaugeMetricFamily, "healthy", "1 if open, acknowledged, and not silent."): lambda one: not reasons_of(one),
    (GaugeMetricFamily, "open", "1 if a connection is open."): lambda one: one.state == "open",
    (CounterMetricFamily, "messages", "Messages delivered."): lambda one: one.messages,
    (CounterMetricFamily, "received_bytes", "Bytes received, with frame headers."): lambda one: one.received_bytes,
    (CounterMetricFamily, "dials", "Connections that were dialled."): lambda one: one.dials,
    (CounterMetricFamily, "connections", "Connections that opened."): lambda one: one.connections,
    (CounterMetricFamily, "rotations", "Connections replaced without a gap."): lambda one: one.rotations,
    (CounterMetricFamily, "duplicate_messages", "Messages that another leg had brought before."): (
        lambda one: sum(leg.duplicates for leg in one.legs)
    ),
    (CounterMetricFamily, "gap_seconds", "Length of all gaps together."): lambda one: one.gap_seconds,
    (CounterMetricFamily, "open_seconds", "Time with an open connection."): lambda one: one.open_for,
    (GaugeMetricFamily, "uptime_seconds", "Time since it began."): lambda one: one.uptime,
    (GaugeMetricFamily, "attempt", "Dials since the last healthy connection."): lambda one: one.attempt,
    (GaugeMetricFamily, "streams", "Streams that are wanted."): lambda one: one.streams,
    (GaugeMetricFamily, "streams_unacknowledged", "Of these, not acknowledged yet."): lambda one: one.unacknowledged,
    (GaugeMetricFamily, "streams_refused", "Of these, refused by the service."): lambda one: one.refused,
    (GaugeMetricFamily, "streams_silent", "Of these, silent for too long."): lambda one: one.silent,
}
_SHARD_TIMES: dict[Row, Callable[[ShardStats], Value]] = {
    (GaugeMetricFamily, "last_message_timestamp_seconds", "When the latest message came."): lambda one: one.data_age,
    (GaugeMetricFamily, "last_connect_timestamp_seconds", "When a connection last opened."): (
        lambda one: one.connect_age
    ),
}
_CAUSES: dict[Row, Callable[[ShardStats], Mapping[str, int]]] = {
    (CounterMetricFamily, "failures", "Connections and dials that failed, by cause."): lambda one: one.losses,
    (CounterMetricFamily, "gaps", "Gaps declared, by cause."): lambda one: one.gap_causes,
}
_HISTOGRAMS: dict[tuple[str, str], Callable[[ShardStats], Histogram]] = {
    ("rtt_seconds", "From a ping to its pong."): lambda one: one.rtts,
    ("lag_seconds", "Age of messages by the service's event time; a sample."): lambda one: one.lags,
}
_STREAM: dict[Row, Callable[[StreamStats], Value]] = {
    (CounterMetricFamily, "stream_messages", "Messages of the stream, on all legs."): lambda one: one.messages,
    (CounterMetricFamily, "stream_bytes", "Size of these."): lambda one: one.bytes,
    (GaugeMetricFamily, "stream_subscribed", "1 if it is acknowledged."): lambda one: one.state == "subscribed",
    (GaugeMetricFamily, "stream_silent", "1 if it is silent for too long."): lambda one: one.silent,
}
_STREAM_TIMES: dict[Row, Callable[[StreamStats], Value]] = {
    (GaugeMetricFamily, "stream_last_message_timestamp_seconds", "When its latest came."): lambda one: one.data_age,
}


class FeedCollector(Collector):
    """Asks the feeds when it is scraped. The mapping may change meanwhile."""

    def __init__(self, feeds: Mapping[str, Observed], *, streams: bool = False) -> None:
        self._feeds = feeds
        self._streams = streams

    def describe(self) -> Iterable[Metric]:
        """What there may be, so that a registry sees names that clash."""
        return self._metrics({})

    def collect(self) -> Iterator[Metric]:
        return self._metrics(self._feeds)

    def _metrics(self, feeds: Mapping[str, Observed]) -> Iterator[Metric]:
        found = list(feeds.items())
        stats: dict[Labels, FeedStats] = {(name,): feed.stats() for name, feed in found}
        shards: dict[Labels, tuple[float, ShardStats]] = {
            (*name, str(number)): (one.unix_time, shard)
            for name, one in stats.items()
            for number, shard in one.shards.items()
        }
        plain: dict[Labels, ShardStats] = {labels: shard for labels, (_, shard) in shards.items()}
        yield from _families(_FEED, ("feed",), stats)
        yield from _families(_SHARD, ("feed", "shard"), plain)
        yield from _moments(_SHARD_TIMES, ("feed", "shard"), shards)
        yield from _by_cause(plain)
        yield from _histograms(plain)
        if self._streams:
            streams: dict[Labels, tuple[float, StreamStats]] = {
                (name, str(one.shard), stream): (stats[(name,)].unix_time, one)
                for name, feed in found
                for stream, one in feed.stream_stats().items()
            }
            labels = ("feed", "shard", "stream")
            yield from _families(_STREAM, labels, {key: one for key, (_, one) in streams.items()})
            yield from _moments(_STREAM_TIMES, labels, streams)


def exposition(
    feeds: Mapping[str, Observed], *, streams: bool = False, collectors: Iterable[Collector] = ()
) -> tuple[str, bytes]:
    """What is answered at `/metrics`: its content type, and it. `collectors`: of what else there is."""
    registry = CollectorRegistry()
    registry.register(FeedCollector(feeds, streams=streams))
    for one in collectors:
        registry.register(one)
    return CONTENT_TYPE_LATEST, generate_latest(registry)


def _families(
    rows: Mapping[Row, Callable[[Any], Value]], labels: tuple[str, ...], told: Mapping[Labels, Any]
) -> Iterator[Metric]:
    for (family, name, text), value_of in rows.items():
        metric = family(f"holdfast_{name}", text, labels=labels)
        for key, one in told.items():
            if (value := value_of(one)) is not None:
                metric.add_metric(key, float(value))
        yield metric


def _moments(
    rows: Mapping[Row, Callable[[Any], Value]],
    labels: tuple[str, ...],
    told: Mapping[Labels, tuple[float, Any]],
) -> Iterator[Metric]:
    """Ages as Unix times: those stand still while nothing happens."""
    for (family, name, text), age_of in rows.items():
        metric = family(f"holdfast_{name}", text, labels=labels)
        for key, (unix_time, one) in told.items():
            if (age := age_of(one)) is not None:
                metric.add_metric(key, unix_time - age)
        yield metric


def _by_cause(shards: Mapping[Labels, ShardStats]) -> Iterator[Metric]:
    for (family, name, text), counts_of in _CAUSES.items():
        metric = family(f"holdfast_{name}", text, labels=("feed", "shard", "cause"))
        for key, shard in shards.items():
            for cause, count in counts_of(shard).items():
                metric.add_metric((*key, cause), float(count))
        yield metric


def _histograms(shards: Mapping[Labels, ShardStats]) -> Iterator[Metric]:
    for (name, text), histogram_of in _HISTOGRAMS.items():
        metric = HistogramMetricFamily(f"holdfast_{name}", text, labels=("feed", "shard"))
        for key, shard in shards.items():
            histogram = histogram_of(shard)
            metric.add_metric(key, _cumulative(histogram), histogram.total)
        yield metric


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    return list(zip(_labels_of(histogram.bounds), map(float, accumulate(histogram.counts)), strict=True))


@cache
def _labels_of(bounds: tuple[float, ...]) -> list[str]:
    return [*map(str, bounds), "+Inf"]
