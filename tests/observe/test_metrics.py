"""Feeds as Prometheus metrics."""

from __future__ import annotations

import sys

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from helpers.combined import service
from helpers.peer import Manners
from helpers.sea import ALL, Sea
from helpers.views import View, view_of
from helpers.world import World
from holdfast import Cause, ConfigError, Failure, Keepalive, Sharding
from holdfast.observe import Site, collector
from holdfast.testing import Reset

UNIX = 1_700_000_000.0


def scraped(feeds, query: str = "") -> dict[tuple[str, ...], float]:
    """Samples: the name and the values of its labels, in the order of their names."""
    answer = Site(feeds, "0.0.0.0").answer("GET", f"/metrics{query}", None)
    assert answer.status == 200
    assert answer.kind.startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.body.decode())
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_one_feed() -> None:
    world = World({"keepalive": Keepalive(4, 4)}, latency=0.25, wall_offset=UNIX).open()
    world.run(9)
    world.peer.send("abc")
    world.run(1)
    world.peer.hang_up()
    world.run(3)
    found, stats = scraped({"prices": view_of(world)}), world.fleet.stats(world.now)
    assert found["holdfast_messages_total", "prices", "1"] == 1
    assert found["holdfast_received_bytes_total", "prices", "1"] == stats.received_bytes
    assert found["holdfast_connections_total", "prices", "1"] == 2
    assert found["holdfast_failures_total", "eof", "prices", "1"] == 1
    assert found["holdfast_gaps_total", "eof", "prices", "1"] == 1
    assert found["holdfast_open", "prices", "1"] == found["holdfast_healthy", "prices", "1"] == 1
    assert found["holdfast_last_message_timestamp_seconds", "prices", "1"] == UNIX + world.now - stats.data_age
    assert found["holdfast_queued_messages", "prices"] == 0
    assert found["holdfast_ended", "prices"] == 0
    assert found["holdfast_rtt_seconds_bucket", "prices", "0.25", "1"] == 0
    assert found["holdfast_rtt_seconds_bucket", "prices", "0.5", "1"] == 2
    assert found["holdfast_rtt_seconds_bucket", "prices", "+Inf", "1"] == 2
    assert found["holdfast_rtt_seconds_count", "prices", "1"] == 2
    assert found["holdfast_rtt_seconds_sum", "prices", "1"] == 1.0


def test_what_is_not_there_yet_has_no_sample() -> None:
    found = scraped({"a": view_of(World(manners=Manners(dial_failure=Failure(Cause.DNS))).start())})
    assert found["holdfast_open", "a", "1"] == found["holdfast_healthy", "a", "1"] == 0
    assert not [key for key in found if key[0] == "holdfast_last_message_timestamp_seconds"]


def test_streams_are_series_only_when_asked_for() -> None:
    sea = Sea(service(*ALL[:4]), sharding=Sharding(max_streams_per_connection=2))
    sea.run(10.0)
    feeds = {"a": View(sea.fleet, sea.world)}
    assert not [key for key in scraped(feeds) if key[0].startswith("holdfast_stream_")]
    found = scraped(feeds, "?streams=1")
    streams = sea.fleet.stream_stats(sea.world.now)
    for stream, one in streams.items():
        assert found["holdfast_stream_messages_total", "a", str(one.shard), stream] == one.messages > 0


def test_counters_only_grow_through_reconnects() -> None:
    sea = Sea(service(*ALL[:3]))
    before: dict[tuple[str, ...], float] = {}
    for _ in range(20):
        sea.run(1.5)
        sea.strike(Reset())
        found = scraped({"a": View(sea.fleet, sea.world)}, "?streams=1")
        counters = {key: value for key, value in found.items() if key[0].endswith(("_total", "_count", "_bucket"))}
        assert all(counters[key] >= value for key, value in before.items())
        before = counters


def test_a_registry_of_ones_own() -> None:
    registry, world = CollectorRegistry(), World().open()
    registry.register(collector({"a": view_of(world)}))
    world.peer.send("a")
    world.run(1)
    assert registry.get_sample_value("holdfast_messages_total", {"feed": "a", "shard": "1"}) == 1
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(collector({}))


def test_names_keep_the_conventions() -> None:
    sea = Sea(service(*ALL[:2]))
    sea.run(5.0)
    for family in collector({"a": View(sea.fleet, sea.world)}, streams=True).collect():
        assert family.name.startswith("holdfast_")
        assert family.documentation.endswith(".")
        assert all(
            label in ("feed", "shard", "stream", "cause", "le") for one in family.samples for label in one.labels
        )


def test_without_prometheus_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "holdfast.observe.metrics", raising=False)
    answer = Site({}, "0.0.0.0").answer("GET", "/metrics", None)
    assert (answer.status, b"holdfast[metrics]" in answer.body) == (501, True)
    with pytest.raises(ConfigError, match=r"pip install 'holdfast\[metrics\]'"):
        collector({})
