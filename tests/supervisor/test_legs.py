"""Rotations and legs: several connections with the same streams, and one account of what they brought."""

from __future__ import annotations

import math
from collections import Counter
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.combined import service
from helpers.sea import ALL, Sea
from holdfast import (
    Backoff,
    Disconnected,
    Gap,
    Keepalive,
    Retry,
    Rotated,
    Rotating,
    Rotation,
    Service,
    ServiceLimits,
    Update,
)
from holdfast.dialects.words import Reading
from holdfast.supervisor.merge import Merge
from holdfast.supervisor.tally import LegTally
from holdfast.testing.world import Dialling, Weather

FIVE = ALL[:5]
RAW = f"ws://example.com/stream?streams={'/'.join(FIVE)}"
SOURCES = pytest.mark.parametrize("source", [service(*FIVE), RAW], ids=["dialect", "raw"])
QUICK = Backoff(0.25, 1.5, 2.0)


def rotate(sea: Sea) -> None:
    sea.fleet.rotate(sea.world.now)
    sea.process.settle()


def cut(sea: Sea, number: int) -> None:
    """Reset one of the connections that are there."""
    links = list(sea.host.links.values())
    if links:
        links[number % len(links)].reset()


@SOURCES
def test_a_rotation_loses_nothing_and_repeats_nothing(source: Service | str) -> None:
    sea = Sea(source, rate=7.0)
    sea.run(10.0)
    for delay in (0.0625, 2.0, 0.01, 0.5):
        sea.world.weather = Weather(delay=delay)
        rotate(sea)
        sea.run(30.0)
    assert len(sea.of(Rotating)) == len(sea.of(Rotated)) == 4
    assert not sea.of(Gap)
    assert not sea.of(Disconnected)
    assert all(number >= 7 * 128 for number in sea.account().values())
    assert sea.fleet.stats(sea.world.now).connections == 5
    assert [record.closed_by for record in sea.exchange.ledger.connections] == [None] * 5


def test_quiet_streams_are_handed_over_by_the_answer_to_a_ping() -> None:
    sea = Sea(service(*FIVE), rate=1 / 3600)
    sea.run(10.0)
    rotate(sea)
    sea.run(2.0)
    assert sea.of(Rotated)
    assert not sea.of(Gap)


def test_the_old_connection_goes_on_while_the_new_one_fails() -> None:
    sea = Sea(service(*FIVE), rate=7.0, backoff=QUICK)
    sea.run(10.0)
    sea.host.dialling = Dialling.REFUSED
    rotate(sea)
    sea.run(60.0)
    assert not sea.of(Rotated)
    assert not sea.of(Disconnected)
    sea.host.dialling = Dialling.ANSWERED
    sea.run(10.0)
    assert sea.of(Rotated)
    assert not sea.of(Gap)
    sea.account()


def test_the_new_connection_stays_when_the_old_one_is_lost() -> None:
    sea = Sea(service(*FIVE), rate=7.0, backoff=QUICK)
    sea.run(10.0)
    sea.host.dialling = Dialling.REFUSED
    rotate(sea)
    sea.run(5.0)
    cut(sea, 0)
    sea.run(5.0)
    assert not sea.fleet.is_open
    sea.host.dialling = Dialling.ANSWERED
    sea.run(20.0)
    assert sea.fleet.is_open
    assert len(sea.of(Gap)) == 1
    assert sea.exchange.open_connections == 1
    sea.account()


def test_rotation_by_age_is_spread_and_comes_before_the_limit_of_the_service() -> None:
    aged = service(*FIVE, limits=ServiceLimits(max_age=24 * 3600.0))
    sea = Sea(aged, rate=0.0005, keepalive=Keepalive(600.0, 60.0))
    sea.run(10 * 24 * 3600.0)
    times = [event.at for event in sea.of(Rotated)]
    ages = [later - earlier for earlier, later in zip([1000.0, *times], times, strict=False)]
    assert len(times) >= 10
    assert all(0.89 * 24 * 3600.0 <= age <= 24 * 3600.0 - 290 for age in ages)
    assert len({round(age) for age in ages}) == len(ages)
    assert not sea.of(Gap)
    assert not sea.of(Disconnected)


def test_rotation_keeps_to_its_hours() -> None:
    aged = service(*FIVE, limits=ServiceLimits(max_age=24 * 3600.0))
    sea = Sea(aged, rate=0.0005, rotation=Rotation(window=("02:00", "04:00")), keepalive=Keepalive(600.0, 60.0))
    sea.run(15 * 24 * 3600.0)
    hours = [event.at % 86_400 / 3600 for event in sea.of(Rotated)]
    assert len(hours) >= 14
    assert sum(2 <= hour <= 4 for hour in hours) >= 0.9 * len(hours)
    assert not sea.of(Gap)


def test_without_rotation_nothing_is_rotated_unasked() -> None:
    sea = Sea(service(*FIVE, limits=ServiceLimits(max_age=3600.0)), rate=1.0, rotation=None)
    sea.run(7200.0)
    assert not sea.of(Rotating)
    rotate(sea)
    sea.run(5.0)
    assert sea.of(Rotated)


@SOURCES
def test_two_legs_are_one_stream_and_the_loss_of_one_is_no_gap(source: Service | str) -> None:
    sea = Sea(source, rate=7.0, legs=2, backoff=QUICK, retry=Retry(stable_after=0.5))
    sea.run(5.0)
    for number in range(40):
        cut(sea, number)
        sea.run(2.0)
    assert not sea.of(Gap)
    assert len(sea.of(Disconnected)) >= 40
    assert len(sea.fleet.gaps) >= 40
    assert all(gap.filled_by is not None for gap in sea.fleet.gaps)
    assert min(sea.account().values()) >= 7 * 80
    assert sea.exchange.open_connections == 2


def test_what_one_leg_brought_is_not_read_again_for_the_other() -> None:
    read: Counter[str | bytes] = Counter()
    source = service(*FIVE)
    reading = source.dialect.read

    def counted(text: str | bytes) -> Reading:
        read[text] += 1
        return reading(text)

    with patch.object(type(source.dialect), "read", lambda _, text: counted(text)):
        sea = Sea(source, rate=7.0, legs=2)
        sea.run(30.0)
    updates = sea.of(Update)
    assert len(updates) >= 7 * 128
    assert {read[update.text] for update in updates} == {1}
    merge = sea.fleet._shards._running[1]._legs.delivery._merge
    assert merge is not None
    assert not merge.readings, "they are dropped when they have served"
    assert sea.fleet.stats(sea.world.now).legs[0].duplicates + sea.fleet.stats(sea.world.now).legs[1].duplicates > 800


def test_readings_that_nobody_asks_for_are_given_up() -> None:
    merge = Merge(by_stream=True, overlap=10.0, bound=1 << 30)
    for conn in (1, 2):
        merge.add(conn, LegTally())
    for number in range(20):
        update = Update("s", f"{number}")
        merge.readings[update.text] = update
        merge.put(1, [update], 1 << 20, 0.0)
    assert len(merge.readings) < 8


@SOURCES
def test_two_legs_of_which_one_goes_dark(source: Service | str) -> None:
    """It is not known to be dead for long, and the other one, which is dialled meanwhile, must not wait for it."""
    sea = Sea(source, rate=7.0, legs=2, backoff=QUICK, keepalive=Keepalive(20.0, 20.0))
    sea.run(5.0)
    links = list(sea.host.links.values())
    links[0].hold(math.inf)
    sea.run(1.0)
    links[1].reset()
    sea.run(14.0)
    assert len(sea.of(Gap)) >= 1, "declared when nothing came from the dark one for as long as an overlap may take"
    assert min(sea.account().values()) >= 7 * 16
    sea.run(60.0)
    assert sea.exchange.open_connections >= 2
    sea.account()


def test_what_the_stats_say_of_each_leg() -> None:
    sea = Sea(service(*FIVE), rate=7.0, legs=2, weather=Weather(delay=0.0625))
    sea.run(5.0)
    links = list(sea.host.links.values())
    links[1].hold(sea.world.now + 0.5)
    sea.run(10.0)
    one, other = sea.fleet.stats(sea.world.now).legs
    assert (one.state, other.state, one.conn, other.conn) == ("open", "open", 1, 2)
    assert one.url == other.url == "ws://example.com/stream"
    assert one.connected_for is not None
    assert 14.0 < one.connected_for < 15.0
    stats = sea.fleet.stats(sea.world.now)
    assert one.first + other.first == stats.messages
    assert one.duplicates + other.duplicates > stats.messages - 5 * 7
    assert other.duplicates >= 2 * 7
    assert other.lateness is not None
    cut(sea, 1)
    sea.run(0.1)
    _, cut_off = sea.fleet.stats(sea.world.now).legs
    assert (cut_off.conn, cut_off.state, cut_off.connected_for, cut_off.losses) == (None, "waiting", None, {"reset": 1})
    assert cut_off.first == other.first
    assert one.losses == {}


def test_the_lateness_of_a_leg_is_that_of_its_latest_duplicate() -> None:
    sea = Sea(service(*FIVE), rate=7.0, legs=2)
    sea.run(5.0)
    list(sea.host.links.values())[1].hold(sea.world.now + 2.0)
    sea.run(2.01)
    late = sea.fleet.stats(sea.world.now).legs[1]
    assert late.lateness is not None
    assert 0.0 < late.lateness <= 2.0625
    assert late.duplicates > 60


def test_a_rotation_hands_on_what_is_told_of_a_leg() -> None:
    sea = Sea(service(*FIVE), rate=7.0)
    sea.run(10.0)
    rotate(sea)
    sea.run(0.01)
    assert [leg.state for leg in sea.fleet.stats(sea.world.now).legs] == ["open", "connecting"]
    sea.run(30.0)
    stats = sea.fleet.stats(sea.world.now)
    assert stats.rotations == 1
    (leg,) = stats.legs
    assert (leg.conn, leg.first) == (2, stats.messages)


def test_one_leg_passes_through_untouched() -> None:
    sea = Sea(service(*FIVE), rate=7.0)
    sea.run(5.0)
    assert not sea.fleet._shards._running[1]._legs.delivery.merges
    rotate(sea)
    sea.run(0.125)
    assert sea.fleet._shards._running[1]._legs.delivery.merges
    sea.run(30.0)
    assert not sea.fleet._shards._running[1]._legs.delivery.merges, "nothing is merged when there is nothing to merge"


def test_rotate_needs_a_feed_that_is_open() -> None:
    sea = Sea(service(*FIVE))
    rotate(sea)
    assert not sea.of(Rotating)
    sea.run(5.0)
    assert not sea.of(Rotating)


DELAYS = st.sampled_from([0.0, 0.01, 0.0625, 0.3, 1.0, 3.0])
DOINGS = st.lists(
    st.one_of(
        st.tuples(st.just("rotate"), DELAYS),
        st.tuples(st.just("cut"), st.integers(0, 3)),
        st.tuples(st.just("dark"), st.integers(0, 3)),
        st.tuples(st.just("slow"), st.integers(0, 3)),
        st.tuples(st.just("subscribe"), st.integers(0, 9)),
        st.tuples(st.just("unsubscribe"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 0.5, 2.0, 15.0])),
    ),
    max_size=25,
)


@given(
    doings=DOINGS,
    legs=st.integers(1, 3),
    raw=st.booleans(),
    rate=st.sampled_from([0.3, 3.0, 11.0]),
    jitter=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**32),
)
@example(doings=[("dark", 0), ("rotate", 0.0), ("unsubscribe", 0)], legs=1, raw=False, rate=3.0, jitter=0.0, seed=0)
@example(doings=[("unsubscribe", 0), ("subscribe", 0)], legs=1, raw=False, rate=11.0, jitter=0.0, seed=0)
@example(
    doings=[("rotate", 0.0625), ("slow", 0), ("rotate", 0.0), ("cut", 0), ("subscribe", 5), ("unsubscribe", 0)],
    legs=1, raw=False, rate=3.0, jitter=0.5, seed=0,
)  # fmt: skip
def test_whatever_happens_to_connections_the_account_is_right(
    doings: list, legs: int, raw: bool, rate: float, jitter: float, seed: int
) -> None:
    sea = Sea(
        RAW if raw else service(*FIVE),
        rate=rate,
        seed=seed,
        legs=legs,
        backoff=QUICK,
        keepalive=Keepalive(5.0, 5.0),
        weather=Weather(delay=0.0625, jitter=jitter),
    )
    sea.run(3.0)
    for doing, value in doings:
        links = list(sea.host.links.values())
        if doing == "rotate":
            sea.world.weather = Weather(delay=value, jitter=jitter)
            rotate(sea)
        elif doing == "cut":
            cut(sea, value)
        elif doing == "dark" and links:
            links[value % len(links)].hold(math.inf)
        elif doing == "slow" and links:
            links[value % len(links)].hold(sea.world.now + 2.0)
        elif doing == "subscribe" and not raw:
            sea.subscribe(ALL[value])
        elif doing == "unsubscribe" and not raw:
            sea.unsubscribe(ALL[value])
        sea.run(value if doing == "wait" else 0.25)
    sea.world.weather = Weather(delay=0.0625)
    sea.run(60.0)
    last = sea.account()
    wanted = FIVE if raw else sea.fleet.stream_states()
    for stream in wanted:
        assert last.get(stream, 0) >= sea.exchange.ledger.counts[stream] - 3.5 * rate - 1
    assert len(sea.process.sockets) <= legs + 1
