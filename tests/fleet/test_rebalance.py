"""A shard that loses its connection far more often than the others goes on at the next endpoint."""

from __future__ import annotations

import pytest

from dialects.voyage import HOST, ResetWith, Voyage
from holdfast import (
    Backoff,
    ConfigError,
    Connected,
    DialWindow,
    Disconnected,
    Event,
    Gap,
    Rebalance,
    Rebalanced,
    Retry,
    Sharding,
    Unsteady,
)
from holdfast.dialects import binance
from holdfast.phrases import WARNING, describe, level_of
from holdfast.testing import Exchange, Reset, Stream
from holdfast.testing.services.binance import BinanceSpot

OTHER = "other.test"
STREAMS = tuple(f"s{number}usdt@trade" for number in range(4))


class TwoPlaces(Voyage):
    """Four shards, with two endpoints; where each connection leads is told by `Connected.url`."""

    def __init__(self, *places: str, **options: object) -> None:
        source = binance.spot(*STREAMS, endpoint=[f"ws://{place}/stream" for place in places])
        given = {
            "sharding": Sharding(max_streams_per_connection=1),
            "retry": Retry(stable_after=5.0),
            "backoff": Backoff(initial=0.5, maximum=1.0),
            "rebalance": Rebalance(after=3, factor=3.0, period=600.0),
            "dial_window": DialWindow(1000, 1.0),
            **options,
        }
        super().__init__(source, BinanceSpot(), STREAMS, rate=2.0, rules=None, options=given)  # type: ignore[arg-type]
        self.other = Exchange([Stream(name, 2.0) for name in STREAMS], service=BinanceSpot())
        self.world.add_host(OTHER, self.other)
        self.other.start(self.world.now)

    def cut(self, stream: str, times: int = 1) -> None:
        for _ in range(times):
            self.strike(ResetWith(stream)).run(15.0)

    def at(self, place: str) -> int:
        exchange = self.exchange if place == HOST else self.other
        return exchange.open_connections


def test_it_goes_on_elsewhere_and_stays_there() -> None:
    voyage = TwoPlaces(HOST, OTHER).run(20.0)
    voyage.cut(STREAMS[1], times=2)
    assert not voyage.of(Rebalanced)
    assert (voyage.at(HOST), voyage.at(OTHER)) == (4, 0)
    voyage.cut(STREAMS[1])
    [event] = voyage.of(Rebalanced)
    assert (event.shard, event.reconnects, event.others, event.url) == (2, 3, 0.0, f"ws://{OTHER}/stream")
    assert "shard 2" in describe(event)
    assert level_of(event) == WARNING
    assert (voyage.at(HOST), voyage.at(OTHER)) == (3, 1)
    voyage.cut(STREAMS[1], times=5)
    assert len(voyage.of(Disconnected)) == 3, "what cut it has lost it"
    stats = voyage.fleet.stats(voyage.world.now)
    assert stats.rebalances == 1
    assert {number: one.rebalances for number, one in stats.shards.items()} == {1: 0, 2: 1, 3: 0, 4: 0}
    assert len([gap for gap in voyage.of(Gap) if gap.stream is None]) == 3, "moving it costs no gap of its own"
    # Lost where it is now, it comes back there, and not to where it was cut.
    voyage.other.strike(ResetWith(STREAMS[1]), voyage.world.now)
    voyage.world.hosts[OTHER].settle()
    voyage.run(20.0)
    assert (voyage.at(HOST), voyage.at(OTHER)) == (3, 1)
    assert voyage.states == {"subscribed"}


def test_where_all_are_cut_alike_none_is_moved() -> None:
    voyage = TwoPlaces(HOST, OTHER).run(20.0)
    for _ in range(8):
        voyage.strike(Reset()).run(15.0)
    assert not voyage.of(Rebalanced)
    assert voyage.at(HOST) == 4


def test_one_that_is_cut_twice_as_often_is_not_moved_and_one_that_is_four_times_is() -> None:
    voyage = TwoPlaces(HOST, OTHER).run(20.0)
    for _ in range(3):
        voyage.strike(Reset()).run(15.0)
        voyage.cut(STREAMS[0])
    assert not voyage.of(Rebalanced)
    voyage.cut(STREAMS[0], times=3)
    assert [event.shard for event in voyage.of(Rebalanced)] == [1]


def test_what_is_long_ago_does_not_count() -> None:
    voyage = TwoPlaces(HOST, OTHER, rebalance=Rebalance(after=3, period=60.0)).run(20.0)
    for _ in range(6):
        voyage.cut(STREAMS[2])
        voyage.run(30.0)
    assert not voyage.of(Rebalanced)


@pytest.mark.parametrize(
    ("places", "options"),
    [
        ((HOST,), {}),
        ((HOST, OTHER), {"rebalance": None}),
        ((HOST, OTHER), {"sharding": Sharding(max_streams_per_connection=2)}),
    ],
)
def test_with_one_endpoint_few_shards_or_when_it_is_off_none_is_moved(
    places: tuple[str, ...], options: dict[str, object]
) -> None:
    voyage = TwoPlaces(*places, **options).run(20.0)
    voyage.cut(STREAMS[3], times=6)
    assert not voyage.of(Rebalanced)
    assert voyage.at(HOST) == len(voyage.fleet.shards)


def test_many_reconnects_are_told_once_in_a_while() -> None:
    voyage = TwoPlaces(HOST, rebalance=Rebalance(tell_after=3, period=3600.0)).run(20.0)
    for _ in range(2):
        voyage.strike(Reset()).run(15.0)
    assert not voyage.of(Unsteady)
    voyage.strike(Reset()).run(15.0)
    [event] = voyage.of(Unsteady)
    assert event.reconnects == 3.0
    assert level_of(event) == WARNING
    assert "3 reconnects a connection in" in describe(event)
    for _ in range(3):
        voyage.strike(Reset()).run(15.0)
    assert len(voyage.of(Unsteady)) == 2
    assert all(isinstance(event, Event) for event in voyage.of(Connected))


def test_settings_are_checked() -> None:
    for wrong, named in (
        ({"after": 0}, "Rebalance.after"),
        ({"factor": 0.5}, "Rebalance.factor"),
        ({"period": 0}, "Rebalance.period"),
        ({"tell_after": 0}, "Rebalance.tell_after"),
    ):
        with pytest.raises(ConfigError, match=named):
            Rebalance(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"rebalance = 3: must be a Rebalance\(\.\.\.\), or None"):
        TwoPlaces(HOST, rebalance=3)
