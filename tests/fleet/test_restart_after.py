"""After so many dials without health, over the whole feed, it ends, so that whoever runs the process starts it anew."""

from __future__ import annotations

import math

import pytest

from dialects.voyage import HOST, ResetWith, Voyage
from helpers.peer import Manners
from helpers.world import World
from holdfast import Backoff, Cause, ConfigError, Connecting, Failure, GaveUp, RestartNeeded, Retry, Sharding
from holdfast.dialects import binance
from holdfast.testing import Reset
from holdfast.testing.services.binance import BinanceSpot

REFUSED = Manners(dial_failure=Failure(Cause.REFUSED))
STEADY = Backoff(initial=1.0, factor=1.0, maximum=1.0, jitter=0.0)


def test_one_connection_that_never_comes_to_be() -> None:
    world = World({"restart_after": 4, "backoff": STEADY}, REFUSED).start().run(60)
    assert len(world.dials) == 4
    ended = world.ended
    assert ended.restart_needed
    assert ended.failure is not None
    assert ended.failure.cause is Cause.REFUSED
    assert "4 dials without a healthy connection" in ended.reason
    assert "restart_after" in ended.reason
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf


def test_a_connection_that_opens_and_brings_nothing_is_not_healthy() -> None:
    world = World({"restart_after": 4, "backoff": STEADY}).start()
    for _ in range(4):
        world.run_until(lambda: world.fleet.is_open, within=5)
        world.peer.hang_up()
        world.run(0.25)
    world.run(5)
    assert world.ended.restart_needed
    assert len(world.dials) == 4


def test_health_begins_the_count_anew() -> None:
    world = World({"restart_after": 4, "backoff": STEADY, "retry": Retry(stable_after=4)}).start()
    healthy = 3  # connections before it
    for number in range(20):
        world.run_until(lambda: world.fleet.is_open, within=5)
        world.peer.send("a")
        world.run(5 if number == healthy else 1)
        world.peer.send("b")
        world.run(0)
        world.peer.hang_up()
        world.run(0.25)
        if world.fleet.ended is not None:
            break
    assert world.ended.restart_needed
    assert len(world.dials) == healthy + 1 + 4


def test_the_dials_of_all_shards_count_together() -> None:
    source = binance.spot("a@trade", "b@trade", "c@trade", endpoint="ws://example.com/stream")
    options = {"restart_after": 7, "backoff": STEADY, "sharding": Sharding(max_streams_per_connection=1)}
    world = World(options, REFUSED, source=source)  # type: ignore[arg-type]
    world._audit.item = lambda item: None  # type: ignore[method-assign]  # it knows of one connection at a time
    world.start().run(60)
    assert world.ended.restart_needed
    assert 7 <= len(world.dials) <= 9, "those that were under way then, too"
    assert world.fleet.is_closed


def feed_of(shards: int, **options: object) -> Voyage:
    streams = [f"s{number}usdt@trade" for number in range(shards)]
    source = binance.spot(*streams, endpoint=f"ws://{HOST}/stream")
    given = {"sharding": Sharding(max_streams_per_connection=1), "retry": Retry(stable_after=5.0), **options}
    return Voyage(source, BinanceSpot(), streams, options=given)  # type: ignore[arg-type]


def test_while_one_shard_is_healthy_the_others_may_dial_for_ever() -> None:
    voyage = feed_of(3, restart_after=10, backoff=STEADY).run(20.0)
    for _ in range(30):
        voyage.strike(ResetWith("s1usdt@trade")).strike(ResetWith("s2usdt@trade")).run(2.0)
    assert voyage.fleet.ended is None
    assert len(voyage.of(Connecting)) > 50
    for _ in range(10):
        voyage.strike(Reset()).run(1.25)
    assert voyage.fleet.ended is not None
    assert voyage.fleet.ended.restart_needed


def test_a_feed_that_is_cut_now_and_then_goes_on() -> None:
    voyage = feed_of(3, restart_after=4, backoff=STEADY).run(20.0)
    for _ in range(20):
        voyage.strike(Reset()).run(20.0)
    assert voyage.fleet.ended is None
    assert voyage.fleet.is_open


def test_it_is_off_unless_asked_for_and_a_number() -> None:
    world = World({"backoff": STEADY}, REFUSED).start().run(500)
    assert world.fleet.ended is None
    with pytest.raises(ConfigError, match="restart_after = 0"):
        World({"restart_after": 0})
    assert issubclass(RestartNeeded, GaveUp)
