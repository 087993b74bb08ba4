"""A feed of more streams than one connection carries, at a simulated Binance that keeps its limits."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import pytest

from dialects.voyage import HOST, Voyage
from helpers.peer import Manners
from helpers.world import World
from holdfast import (
    Cause,
    Closed,
    ConfigError,
    Connected,
    DialWindow,
    Disconnected,
    Event,
    FeedClosed,
    FeedOptions,
    Gap,
    Limits,
    LocalProtocolError,
    Patience,
    Paused,
    Resumed,
    Resync,
    Resynced,
    RetryScheduled,
    Rotated,
    Rotating,
    Rotation,
    ShardEnded,
    Sharding,
    Stall,
    Subscribed,
    Unsubscribed,
    Update,
)
from holdfast.dialects import binance
from holdfast.testing import Reset, ResetOne, Rules
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.world import sleep

URL = f"ws://{HOST}/stream"
SYMBOLS = [f"symbol{number:03}usdt" for number in range(600)]
NAMED = (binance.trade, binance.agg_trade, binance.book_ticker, binance.mini_ticker, binance.ticker)
MANY = [name(symbol) for name in NAMED for symbol in SYMBOLS]
SHARDING = Sharding(max_streams_per_connection=200, max_symbols_per_connection=50, max_connections=20)
STRICT = replace(BinanceSpot.rules, max_streams=200)


def at_sea(
    streams: list[str], *, served: list[str] | None = None, rate: float = 0.02, rules: Rules = STRICT, **options: object
) -> Voyage:
    given: FeedOptions = {"sharding": SHARDING, "patience": {"*": Patience()}, **options}  # type: ignore[typeddict-item]
    source = binance.spot(*streams, endpoint=URL)
    return Voyage(source, BinanceSpot(), served or streams, rate=rate, rules=rules, options=given)


def small(count: int, most: int, **options: object) -> Voyage:
    """Trades of so many symbols, at most so many on a connection."""
    streams = [binance.trade(symbol) for symbol in SYMBOLS[:count]]
    sharding = Sharding(max_streams_per_connection=most)
    return at_sea(streams, **{"rate": 1.0, "sharding": sharding, **options})  # type: ignore[arg-type]


def assert_nothing_is_missing_but_in_gaps(voyage: Voyage) -> None:
    """Of every stream the numbers join, or a gap in it, or in its shard, stands between; nothing came twice."""
    shard_of = {stream: number for number, streams in voyage.fleet.shards.items() for stream in streams}
    last: dict[str, Update] = {}
    gaps: list[Gap] = []
    seen: dict[str, int] = {}  # gaps that stood before the last message of a stream
    for item in voyage.items:
        if isinstance(item, Gap):
            gaps.append(item)
        elif isinstance(item, Update) and item.stream in shard_of:
            stream, before = item.stream, last.get(item.stream)
            if before is not None and not item.joins(before) and item.joins(before) is not None:
                mine = [
                    gap
                    for gap in gaps[seen[stream] :]
                    if gap.stream == stream or (gap.stream is None and gap.shard in (None, shard_of[stream]))
                ]
                assert mine, f"a hole in {stream} that nobody declared"
            last[stream], seen[stream] = item, len(gaps)
    keys = Counter((item.stream, item.key) for item in voyage.of(Update) if "@trade" in (item.stream or ""))
    assert max(keys.values()) == 1


def assert_no_rule_was_broken(voyage: Voyage) -> None:
    assert {record.closed_by for record in voyage.connections} == {None}
    assert voyage.exchange.ledger.dials_over_limit == 0


def test_three_thousand_streams_start_and_survive_the_loss_of_all_connections_within_every_limit() -> None:
    voyage = at_sea(MANY).run(30.0)
    assert voyage.states == {"subscribed"}
    assert sorted(map(len, voyage.fleet.shards.values())) == [200] * 15
    for streams in voyage.fleet.shards.values():
        assert len({stream.partition("@")[0] for stream in streams}) == 40, "symbols are not together"
    assert len(voyage.connections) == 15
    for wave in (1, 2):
        voyage.strike(Reset()).run(45.0)
        assert voyage.states == {"subscribed"}
        assert len(voyage.of(Disconnected)) == len([gap for gap in voyage.of(Gap) if gap.stream is None]) == 15 * wave
        latest = [gap for gap in voyage.of(Gap) if gap.stream is None][-15:]
        assert {gap.shard for gap in latest} == set(voyage.fleet.shards)
    assert_no_rule_was_broken(voyage)
    assert {item.stream for item in voyage.of(Update)} == set(MANY)
    assert_nothing_is_missing_but_in_gaps(voyage)
    stats = voyage.fleet.stats(voyage.world.now)
    assert (stats.state, stats.dials, stats.connections, stats.losses) == ("open", 45, 45, {"reset": 30})
    assert {one.streams for one in stats.shards.values()} == {200}
    assert sum(one.messages for one in stats.shards.values()) == stats.messages == len(voyage.of(Update))


def test_a_small_window_of_dials_is_kept_by_all_shards_together() -> None:
    rules = replace(STRICT, dial_limit=(4, 20.0, None))
    voyage = small(30, 2, rules=rules, dial_window=DialWindow(4, 20.0)).run(100.0)
    assert voyage.states == {"subscribed"}
    voyage.strike(Reset()).run(120.0)
    assert voyage.states == {"subscribed"}
    opened = [record.accepted_at for record in voyage.connections]
    assert len(opened) == 30
    assert all(later - earlier >= 20.0 for earlier, later in zip(opened, opened[4:], strict=False))
    assert_no_rule_was_broken(voyage)
    waits = [event for event in voyage.of(RetryScheduled) if event.failure.cause.value == "dial_window"]
    assert {event.shard for event in waits} == set(voyage.fleet.shards)


def test_two_hundred_streams_come_and_go_and_no_other_is_touched() -> None:
    begin, gone, new = MANY[:2800], MANY[1000:1200], MANY[2800:]
    voyage = at_sea(begin, served=MANY, rate=0.05).run(30.0)
    stays = {stream: number for number, some in voyage.fleet.shards.items() for stream in some if stream not in gone}
    seen = len(voyage.items)
    voyage.unsubscribe(*gone)
    voyage.subscribe(*new)
    voyage.run(60.0)
    assert set(voyage.fleet.stream_states()) == {*begin, *new} - set(gone)
    assert voyage.states == {"subscribed"}
    now = {stream: number for number, some in voyage.fleet.shards.items() for stream in some}
    assert stays.items() <= now.items()
    told = voyage.items[seen:]
    assert {stream for item in told if isinstance(item, Unsubscribed) for stream in item.streams} == set(gone)
    assert {stream for item in told if isinstance(item, Subscribed) for stream in item.streams} == set(new)
    assert not [item for item in told if isinstance(item, Gap | Disconnected)]
    assert len(voyage.connections) <= 16
    assert set(new) <= {item.stream for item in told if isinstance(item, Update)}
    assert_nothing_is_missing_but_in_gaps(voyage)
    assert_no_rule_was_broken(voyage)


def test_a_consumer_that_is_stuck_costs_no_more_memory_than_the_bound_and_loses_nothing() -> None:
    bound = 100_000
    rules = replace(STRICT, ping_interval=None, pong_timeout=None)  # whoever does not read does not answer either
    voyage = small(60, 3, rate=8.0, rules=rules, limits=Limits(max_queue_size=bound)).run(5.0)
    voyage._process.consumer_pause = 1e6
    highest = 0
    for _ in range(120):
        voyage.run(0.5)
        highest = max(highest, voyage.fleet.stats(voyage.world.now).queued_bytes)
    assert bound <= highest <= bound + 65_536
    seen = len(voyage.items)
    voyage._process.consumer_pause, voyage._process._taking = 0.0, None
    voyage._process.drain()
    voyage.run(10.0)
    kinds = Counter(type(item) for item in voyage.items[seen:])
    assert kinds[Paused] == kinds[Resumed] >= 1
    assert not voyage.of(Gap) + voyage.of(Disconnected)
    assert_nothing_is_missing_but_in_gaps(voyage)


def test_rotate_takes_one_shard_after_the_other_without_a_gap() -> None:
    voyage = small(12, 2).run(10.0)
    voyage.fleet.rotate(voyage.world.now)
    voyage._process.settle()
    voyage.run(120.0)
    turns = [item for item in voyage.items if isinstance(item, Rotating | Rotated)]
    assert [type(item) for item in turns] == [Rotating, Rotated] * 6
    assert not voyage.of(Gap) + voyage.of(Disconnected)
    assert_nothing_is_missing_but_in_gaps(voyage)


def test_who_ends_gets_no_turn_to_rotate_and_an_observer_may_ask_at_any_moment() -> None:
    voyage = small(8, 2).run(10.0)
    seen: list[tuple[Event, int]] = []
    observed = patch.object(
        voyage.fleet._shared, "_observe", lambda event: seen.append((event, len(voyage.fleet.shards)))
    )
    first, second, *_ = voyage.fleet.shards.values()
    with observed:
        voyage.fleet.rotate(voyage.world.now)
        voyage.unsubscribe(*first, *second)  # the one whose turn it is, and the next one
    assert [(event.conn, shards) for event, shards in seen if isinstance(event, Rotating)] == [(1, 4), (3, 2)]
    assert {shards for event, shards in seen if isinstance(event, Unsubscribed)} == {2}
    assert_nothing_is_missing_but_in_gaps(voyage.run(30.0))


def test_shards_that_were_opened_together_do_not_rotate_together() -> None:
    rotation = Rotation(max_age=600.0, jitter=0.5)
    voyage = small(20, 2, rotation=rotation).run(590.0)
    rotated = sorted(event.at for event in voyage.of(Rotated))
    assert len(rotated) >= 10
    assert min(later - earlier for earlier, later in pairwise(rotated)) > 0
    assert not voyage.of(Gap) + voyage.of(Disconnected)
    assert_nothing_is_missing_but_in_gaps(voyage)


def test_a_shard_without_streams_is_closed_and_the_last_one_stays() -> None:
    voyage = small(6, 2).run(5.0)
    first, second, third = voyage.fleet.shards.values()
    voyage.unsubscribe(*second)
    voyage.run(10.0)
    assert list(voyage.fleet.shards.values()) == [first, third]
    assert len([record for record in voyage.connections if record.ended_at is None]) == 2
    messages = voyage.fleet.stats(voyage.world.now).messages
    assert messages == len(voyage.of(Update))
    voyage.unsubscribe(*first, *third)
    voyage.run(10.0)
    assert list(voyage.fleet.shards.values()) == [()]
    assert voyage.fleet.is_open
    gone = [stream for event in voyage.of(Unsubscribed) for stream in event.streams]
    assert sorted(gone) == sorted((*first, *second, *third))
    voyage.subscribe(*second)
    voyage.run(10.0)
    assert voyage.states == {"subscribed"}
    voyage.strike(Reset()).run(10.0)
    assert [gap.shard for gap in voyage.of(Gap) if gap.stream is None] == [None], "alone it has no number"
    assert len(voyage.of(Closed)) == 0


def test_a_feed_grows_by_shards_and_finds_no_room_beyond_the_limit() -> None:
    sharding = Sharding(max_streams_per_connection=2, max_connections=3)
    voyage = small(2, 2, sharding=sharding).run(5.0)
    voyage.subscribe(*(binance.trade(symbol) for symbol in SYMBOLS[2:6]))
    voyage.run(10.0)
    assert voyage.states == {"subscribed"}
    assert [len(streams) for streams in voyage.fleet.shards.values()] == [2, 2, 2]
    before = voyage.fleet.shards
    with pytest.raises(ConfigError, match="max_connections"):
        voyage.subscribe(binance.trade(SYMBOLS[9]))
    assert voyage.fleet.shards == before
    with pytest.raises(ConfigError, match="max_connections"):
        small(7, 2, sharding=sharding)
    with pytest.raises(ConfigError, match="legs"):
        small(2, 2, sharding=Sharding(max_connections=1), legs=2)


def test_what_the_url_asks_for_is_for_one_connection() -> None:
    streams = [binance.trade(symbol) for symbol in SYMBOLS[:5]]
    source = binance.spot(*streams, endpoint=URL, combined=True)
    with pytest.raises(ConfigError, match="combined"):
        Voyage(source, BinanceSpot(), streams, options={"sharding": Sharding(max_streams_per_connection=4)})


def test_a_stall_is_told_once_and_blames_nobody() -> None:
    voyage = small(10, 1).run(10.0)
    voyage._process.stall(30.0)
    voyage.run(60.0)
    assert len(voyage.of(Stall)) == voyage.fleet.stats(voyage.world.now).stalls == 1
    assert not voyage.of(Disconnected)


# Of single shards: peers that accept and say nothing


def with_shards(count: int, *manners: Manners, **sharding: object) -> World:
    source = binance.spot(*(binance.trade(symbol) for symbol in SYMBOLS[:count]), endpoint="ws://example.com/stream")
    setting = Sharding(max_streams_per_connection=1, **sharding)  # type: ignore[arg-type]
    world = World({"sharding": setting}, [*manners, Manners()], source=source)
    world._audit.item = lambda item: None  # type: ignore[method-assign]  # it knows of one connection at a time
    return world.start().run(1)


FORBIDDEN = Manners(status=403)
NOT_FOUND = Manners(status=404)


def test_the_others_go_on_when_one_gives_up_and_its_streams_can_be_asked_for_again() -> None:
    world = with_shards(3, Manners(), NOT_FOUND)
    (ended,) = world.events(ShardEnded)
    assert (ended.shard, ended.streams, ended.failure.status) == (2, (binance.trade(SYMBOLS[1]),), 404)
    assert sorted(world.fleet.shards) == [1, 3]
    assert binance.trade(SYMBOLS[1]) not in world.fleet.stream_states()
    world.give(lambda fleet, now: fleet.subscribe(ended.streams, now))
    world.run(1)
    assert sorted(world.fleet.shards) == [1, 3, 4]
    assert len(world.events(Connected)) == 3
    stats = world.fleet.stats(world.now)
    assert (stats.dials, stats.losses) == (4, {"http": 1})


def test_the_feed_ends_with_its_last_shard() -> None:
    world = with_shards(3, NOT_FOUND, NOT_FOUND, NOT_FOUND)
    assert [event.shard for event in world.events(ShardEnded)] == [1, 2]
    assert world.ended.failure is not None
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf


def test_or_with_the_first_if_that_is_wanted() -> None:
    world = with_shards(3, Manners(), NOT_FOUND, ends_with="first").run(10)
    assert not world.events(ShardEnded)
    assert world.ended.failure is not None
    assert world.fleet.is_closed
    with pytest.raises(ConfigError, match="ends_with"):
        Sharding(ends_with="second")  # type: ignore[arg-type]


def test_a_message_goes_to_the_shard_that_is_named() -> None:
    world = with_shards(2)
    with pytest.raises(LocalProtocolError, match=r"shard=1"):
        world.send("text")
    with pytest.raises(LocalProtocolError, match="1, 2"):
        world.give(lambda fleet, now: fleet.send("text", now, 7))
    before = [len(peer.messages) for peer in world.peers]
    world.give(lambda fleet, now: fleet.send("text", now, 2))
    world.run(1)
    assert [len(peer.messages) - had for peer, had in zip(world.peers, before, strict=True)] == [0, 1]
    assert all(world.fleet.may_send(shard) for shard in (None, 2, 7))
    world.peers[1].hang_up()
    world.run(0.25)
    assert not world.fleet.may_send(2)
    world.close()
    with pytest.raises(FeedClosed):
        world.give(lambda fleet, now: fleet.send("text", now, 2))


def test_close_ends_all_of_them() -> None:
    world = with_shards(5)
    world.close()
    world.run(5)
    assert world.fleet.is_closed
    assert world.kinds.count("Closed") == 1
    assert world.fleet.next_deadline() == math.inf


# With snapshots


def test_a_lost_connection_needs_snapshots_of_its_own_streams_only_and_all_run_within_one_bound() -> None:
    at_once = 0
    running = 0

    async def fetch(stream: str, gap: Gap | None) -> str:
        nonlocal at_once, running
        running += 1
        at_once = max(at_once, running)
        await sleep(0.25)
        running -= 1
        return stream

    voyage = small(12, 2, resync=Resync(fetch, at_once=2)).run(20.0)
    assert Counter(event.stream for event in voyage.of(Resynced)) == dict.fromkeys(voyage.fleet.stream_states(), 1)
    voyage.strike(ResetOne()).run(20.0)
    (gap,) = [gap for gap in voyage.of(Gap) if gap.stream is None]
    assert gap.shard is not None
    anew = [event.stream for event in voyage.of(Resynced)][12:]
    assert sorted(anew) == sorted(voyage.fleet.shards[gap.shard])
    assert at_once == 2


# URLs that ask for streams, made by functions


def made_by(function: object, count: int, most: int) -> World:
    source = binance.spot(*(binance.trade(symbol) for symbol in SYMBOLS[:count]), endpoint=function)  # type: ignore[arg-type]
    world = World({"sharding": Sharding(max_streams_per_connection=most)}, source=source)
    world._audit.item = lambda item: None  # type: ignore[method-assign]  # it knows of one connection at a time
    return world


async def combined() -> str:
    return "ws://example.com/stream?streams=" + "/".join(binance.trade(symbol) for symbol in SYMBOLS[:4])


async def plain() -> str:
    return "ws://example.com/stream"


def test_a_made_url_that_asks_for_streams_ends_a_feed_of_several_shards_and_says_why() -> None:
    world = made_by(combined, 4, 2).start().run(5)
    assert world.ended.failure is not None
    assert world.ended.failure.cause is Cause.ENDPOINT
    assert "2 connections" in world.ended.reason
    assert "URL that asks for no streams" in world.ended.reason
    assert world.fleet.is_closed
    assert not world.dials
    assert not made_by(plain, 4, 2).start().run(5).events(Closed)


def test_where_it_asks_for_them_on_one_connection_no_second_one_is_opened() -> None:
    world = made_by(combined, 4, 4).start().run(5)
    assert not world.events(Closed)
    with pytest.raises(ConfigError, match="the URL would ask for all of them"):
        world.give(lambda fleet, now: fleet.subscribe([binance.trade(SYMBOLS[5])], now))
    assert len(world.fleet.shards) == 1
    assert binance.trade(SYMBOLS[5]) not in world.fleet.stream_states()
