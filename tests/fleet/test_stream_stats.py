"""What is told of each stream."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from helpers.combined import Combined, service
from helpers.sea import ALL, Sea
from holdfast import Patience, Rotated, Service, Sharding, Stale, Update
from holdfast.dialects.words import Reading
from holdfast.testing import Reset, Rules
from holdfast.wire.frames import TEXT, server_frame


class _Timed(Update):
    """Its event is the number of its message, seconds after the world began."""

    __slots__ = ()

    @property
    def event_time(self) -> float | None:
        number = json.loads(self.text)["data"]["t"]
        if number % 7 == 0:
            raise ValueError("no time in this one")
        return 1000.0 if number % 2 else None


@dataclass(frozen=True)
class _TimedDialect(Combined):
    def read(self, message: str | bytes) -> Reading:
        reading = super().read(message)
        return _Timed(reading.stream, reading.text) if isinstance(reading, Update) else reading


def of(sea: Sea, stream: str):
    return sea.fleet.stream_stats(sea.world.now)[stream]


def brought(sea: Sea, stream: str) -> list[Update]:
    return [update for update in sea.of(Update) if update.stream == stream]


@pytest.mark.parametrize("options", [{}, {"sharding": Sharding(max_streams_per_connection=2)}])
def test_each_stream_is_counted(options) -> None:
    sea = Sea(service(*ALL[:5]), **options)
    sea.run(30.0)
    stats = sea.fleet.stream_stats(sea.world.now)
    assert set(stats) == set(ALL[:5])
    for stream, one in stats.items():
        updates = brought(sea, stream)
        assert (one.state, one.messages) == ("subscribed", len(updates))
        assert one.bytes == sum(len(update.text) for update in updates)
        assert one.rate == pytest.approx(1.0, abs=0.35)
        assert one.data_age is not None
        assert one.data_age < 10.0
        assert not one.silent
        assert stream in sea.fleet.shards[one.shard]
    assert sum(one.messages for one in stats.values()) == sea.fleet.stats(sea.world.now).messages


def test_a_reconnect_forgets_nothing() -> None:
    sea = Sea(service(*ALL[:3]))
    sea.run(30.0)
    sea.strike(Reset())
    sea.run(0.25)
    ages = {stream: of(sea, stream).data_age for stream in ALL[:3]}
    sea.run(0.125)
    for stream in ALL[:3]:
        one = of(sea, stream)
        assert one.state != "subscribed"
        assert one.messages == len(brought(sea, stream)) > 10
        assert one.data_age == ages[stream] + 0.125
    sea.run(30.0)
    for stream in ALL[:3]:
        assert of(sea, stream).messages == len(brought(sea, stream)) > 40
        assert of(sea, stream).bytes == sum(len(update.text) for update in brought(sea, stream))


def test_nothing_came_yet() -> None:
    sea = Sea(service("nothing@here"))
    sea.run(5.0)
    one = of(sea, "nothing@here")
    assert (one.state, one.messages, one.bytes, one.rate, one.data_age) == ("subscribed", 0, 0, 0.0, None)


def test_what_is_wanted_again_begins_again() -> None:
    sea = Sea(service(*ALL[:2]))
    sea.run(20.0)
    sea.strike(Reset())
    sea.run(20.0)
    sea.unsubscribe(ALL[0])
    assert set(sea.fleet.stream_stats(sea.world.now)) == {ALL[1]}
    sea.run(5.0)
    before = len(brought(sea, ALL[0]))
    sea.subscribe(ALL[0])
    sea.run(20.0)
    assert of(sea, ALL[0]).messages == len(brought(sea, ALL[0])) - before


def test_a_silent_stream_is_told_and_its_age_is_that_of_its_data() -> None:
    sea = Sea(service(*ALL[:3], patient=Patience(silence=10.0), lists=False))
    sea.run(20.0)
    sea.forget(ALL[0])
    sea.run(0.25)  # what was on its way
    came = of(sea, ALL[0]).messages
    since = sea.world.now - of(sea, ALL[0]).data_age
    while not sea.of(Stale):
        sea.run(0.125)
    one = of(sea, ALL[0])
    assert one.silent
    assert (one.messages, one.rate) == (came, 0.0)
    assert sea.world.now - one.data_age == since
    assert sea.fleet.stats(sea.world.now).shards[1].silent == 1
    assert not of(sea, ALL[1]).silent


def test_two_legs_count_twice() -> None:
    sea = Sea(service(*ALL[:2]), legs=2)
    sea.run(30.0)
    stats = sea.fleet.stream_stats(sea.world.now)
    assert sum(one.messages for one in stats.values()) > 1.8 * sea.fleet.stats(sea.world.now).messages


def test_what_is_not_acknowledged_is_counted() -> None:
    sea = Sea(service(*ALL[:3]))
    assert sea.fleet.stats(sea.world.now).shards[1].unacknowledged == 3
    sea.run(5.0)
    shard = sea.fleet.stats(sea.world.now).shards[1]
    assert (shard.unacknowledged, shard.refused) == (0, 0)


def test_lags_are_sampled_by_the_wall_clock() -> None:
    sea = Sea(Service(_TimedDialect(), "ws://example.com/stream", ALL[:3]), rate=100.0)
    sea.run(30.0)
    lags = sea.fleet.stats(sea.world.now).lags
    assert 0 < lags.count <= 30 / 0.25 * 16  # of 9,000 messages
    assert of(sea, ALL[0]).lag is not None
    assert lags.total > 0


def test_what_a_shard_counted_that_is_no_more_is_not_lost() -> None:
    sea = Sea(service(*ALL[:4]), sharding=Sharding(max_streams_per_connection=2))
    sea.run(10.0)
    sea.strike(Reset())
    sea.run(40.0)
    before = sea.fleet.stats(sea.world.now)
    assert len(before.gap_causes) == 1
    sea.unsubscribe(*sea.fleet.shards[1])
    after = sea.fleet.stats(sea.world.now)
    assert list(after.shards) == [2]
    assert (after.gaps, after.gap_causes) == (before.gaps, before.gap_causes)
    assert after.gap_seconds == pytest.approx(before.gap_seconds)
    assert (after.rtts.count, after.lags.count) == (before.rtts.count, before.lags.count)


def test_a_rotation_is_no_time_without_a_connection() -> None:
    sea = Sea(service(*ALL[:3]))
    sea.run(20.0)
    opened = sea.fleet.stats(sea.world.now).shards[1].open_for
    for _ in range(3):
        sea.fleet.rotate(sea.world.now)
        sea.process.settle()
        sea.run(20.0)
    assert len(sea.of(Rotated)) == 3
    sea.strike(Reset())
    sea.run(0.25)
    assert sea.fleet.stats(sea.world.now).shards[1].open_for == pytest.approx(opened + 60.0, abs=0.3)
    before = sea.fleet.stats(sea.world.now).shards[1].open_for
    sea.run(0.125)
    assert sea.fleet.stats(sea.world.now).shards[1].state != "open"
    assert sea.fleet.stats(sea.world.now).shards[1].open_for == before


def test_of_many_chunks_few_are_looked_at() -> None:
    sea = Sea(Service(_TimedDialect(), "ws://example.com/stream", ALL[:3]))
    sea.run(10.0)
    (conn,) = sea.fleet._shared.shards
    before = sea.fleet.stats(sea.world.now).lags.count
    for _ in range(100):
        update = json.dumps({"stream": ALL[0], "data": {"t": 1}}).encode()
        sea.fleet.received(conn, server_frame(TEXT, update), sea.world.now)
    assert sea.fleet.stats(sea.world.now).lags.count <= before + 1


@pytest.mark.parametrize("legs", [1, 2])
def test_what_is_refused_is_counted(legs: int) -> None:
    sea = Sea(service(*ALL[:15], "bad", batch=100), rules=Rules(max_streams=15), legs=legs)
    sea.run(30.0)
    shard = sea.fleet.stats(sea.world.now).shards[1]
    assert (shard.streams, shard.unacknowledged, shard.refused) == (16, 0, 1)
    sea.strike(Reset())
    sea.run(0.25)
    shard = sea.fleet.stats(sea.world.now).shards[1]
    assert (shard.unacknowledged, shard.refused) == (16, 0)
