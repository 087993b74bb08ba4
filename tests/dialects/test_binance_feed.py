"""A real feed at a simulated Binance, which keeps its rules, in a simulated world."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from dialects.samples import binance as samples
from dialects.voyage import HOST, Voyage
from holdfast import (
    Cause,
    Connected,
    Disconnected,
    FeedOptions,
    Gap,
    Notified,
    Rotated,
    Service,
    Stale,
    Subscribed,
    Subscribing,
    SubscriptionRefused,
    Unsubscribed,
    Update,
)
from holdfast.dialects import binance
from holdfast.testing import Client, CloseWith, Reset, Rules
from holdfast.testing.services.binance import BinanceSpot, BinanceUsdm
from holdfast.testing.world import Weather

SPOT = f"ws://{HOST}/stream"
ROUGH = Weather(delay=0.0625, jitter=0.125)


class Spot(BinanceSpot):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def answer(self, request: str, client: Client) -> list[str]:
        self.asked.append(json.loads(request)["method"])
        return super().answer(request, client)


def place(name: str) -> tuple[Service, BinanceSpot | BinanceUsdm, tuple[str, ...]]:
    """A feed of all streams, the service for it, and the streams."""
    if name == "spot":
        return binance.spot(*samples.SPOT, endpoint=SPOT), BinanceSpot(), tuple(samples.SPOT)
    streams = tuple(stream for stream in samples.USDM if binance.usdm_route(stream) == name)
    return binance.usdm(*streams, endpoint=f"ws://{HOST}/{name}/stream"), BinanceUsdm(), streams


def at_spot(
    *streams: str,
    served: tuple[str, ...] | None = None,
    combined: bool = False,
    rate: float = 1.0,
    rules: Rules | None = None,
    options: FeedOptions | None = None,
) -> Voyage:
    source = binance.spot(*streams, endpoint=SPOT, combined=combined)
    return Voyage(source, Spot(), served or streams, rate=rate, rules=rules, options=options, weather=ROUGH)


def asked(voyage: Voyage) -> list[str]:
    service = voyage.exchange._service
    assert isinstance(service, Spot)
    return service.asked


@pytest.mark.parametrize("name", ["spot", "public", "market"])
def test_every_stream_is_subscribed_and_delivered(name: str) -> None:
    source, service, streams = place(name)
    voyage = Voyage(source, service, streams).run(60.0)
    assert voyage.states == {"subscribed"}
    assert [set(event.streams) for event in voyage.of(Subscribed)] == [set(streams)]
    came = voyage.of(Update)
    assert {update.stream for update in came} == set(streams)
    for stream in streams:
        mine = [update for update in came if update.stream == stream]
        assert all(later.joins(earlier) in (True, None) for earlier, later in pairwise(mine))
        assert len({update.key for update in mine}) == len(mine) > 50
    assert not voyage.of(Stale)
    assert not [item for item in voyage.items if isinstance(item, str)]


def test_streams_come_and_go() -> None:
    voyage = at_spot("btcusdt@trade", "ethusdt@trade", served=("btcusdt@trade", "ethusdt@trade", "ethusdt@depth"))
    voyage.run(5.0)
    voyage.unsubscribe("btcusdt@trade")
    voyage.subscribe("ethusdt@depth")
    voyage.run(5.0)
    assert voyage.fleet.stream_states() == {"ethusdt@trade": "subscribed", "ethusdt@depth": "subscribed"}
    assert [event.streams for event in voyage.of(Unsubscribed)] == [("btcusdt@trade",)]
    seen = len(voyage.items)
    voyage.run(10.0)
    assert {item.stream for item in voyage.items[seen:] if isinstance(item, Update)} == set(
        voyage.fleet.stream_states()
    )


def test_numbers_tell_of_exactly_the_gaps_that_are_declared() -> None:
    voyage = at_spot("btcusdt@trade", "btcusdt@depth@100ms", rate=10.0)
    for _ in range(4):
        voyage.run(20.0).strike(Reset())
    voyage.run(20.0)
    for stream in ("btcusdt@trade", "btcusdt@depth@100ms"):
        before, gap, holes = None, False, 0
        for item in voyage.items:
            gap = gap or (isinstance(item, Gap) and item.stream in (None, stream))
            if isinstance(item, Update) and item.stream == stream:
                joined = item.joins(before) if before is not None else True
                assert joined or gap, "a hole that nobody declared"
                holes += not joined
                before, gap = item, False
        assert holes == len(voyage.of(Disconnected)) == 4


def test_a_thousand_streams_are_asked_for_within_the_rules_again_and_again() -> None:
    streams = tuple(f"symbol{number:04}usdt@trade" for number in range(1024))
    voyage = at_spot(*streams, rate=0.05)
    for _ in range(3):
        voyage.run(100.0)
        assert voyage.states == {"subscribed"}
        voyage.strike(Reset())
    voyage.run(100.0)
    assert [record.closed_by for record in voyage.connections] == [None] * 4
    assert len(voyage.connections[0].written) == 1024


def test_a_day_ends_with_a_notice_and_a_new_connection_before_the_old_one_is_cut() -> None:
    rules = replace(BinanceSpot.rules, max_age=3600.0)
    voyage = at_spot("btcusdt@kline_1m", rules=rules, rate=0.5).run(7500.0)
    assert [record.closed_by for record in voyage.connections] == [None, None, None]
    assert [event.going_away for event in voyage.of(Notified)] == [True, True]
    assert len(voyage.of(Connected)) == 3
    assert len(voyage.of(Rotated)) == 2
    assert not voyage.of(Disconnected) + voyage.of(Gap)
    assert voyage.states == {"subscribed"}


def test_pings_are_answered_for_hours() -> None:
    voyage = at_spot("btcusdt@kline_1h", rate=0.02).run(43_210.0)
    (record,) = voyage.connections
    assert record.closed_by is None
    assert record.pongs == 2160


def test_what_does_not_exist_is_acknowledged_and_found_by_its_silence() -> None:
    voyage = at_spot("btcusdt@kline_1m", "nosuchusdt@kline_1m", served=("btcusdt@kline_1m",)).run(120.0)
    assert voyage.states == {"subscribed"}
    assert not voyage.of(Stale)
    voyage.run(60.0)
    assert {event.stream for event in voyage.of(Stale)} == {"nosuchusdt@kline_1m"}


def test_what_the_service_forgot_is_found_by_its_list() -> None:
    voyage = at_spot("btcusdt@trade", "ethusdt@trade", options={"subscribing": Subscribing(audit_every=30.0)}).run(10.0)
    (connection,) = voyage.exchange._connections.values()
    connection.streams.discard("btcusdt@trade")
    voyage.run(60.0)
    assert connection.streams == {"btcusdt@trade", "ethusdt@trade"}
    assert voyage.states == {"subscribed"}


def test_more_streams_than_the_service_takes_are_told_one_by_one() -> None:
    voyage = at_spot("a@trade", "b@trade", "c@trade", rules=replace(BinanceSpot.rules, max_streams=2)).run(30.0)
    (refused,) = voyage.of(SubscriptionRefused)
    assert "Too many subscriptions" in refused.reason
    assert sorted(voyage.fleet.stream_states().values()) == ["refused", "subscribed", "subscribed"]


def test_after_too_many_requests_it_waits_for_the_penalty_to_pass() -> None:
    voyage = at_spot("btcusdt@trade").run(10.0)
    voyage.strike(CloseWith(1008, "Too many requests")).run(100.0)
    (lost,) = voyage.of(Disconnected)
    assert (lost.failure.cause, lost.failure.code) == (Cause.CLOSED, 1008)
    assert len(voyage.connections) == 1
    voyage.run(60.0)
    assert voyage.states == {"subscribed"}


# Asked for by the URL


def test_what_the_url_asks_for_is_not_asked_for_again() -> None:
    streams = ("btcusdt@trade", "btcusdt@kline_1d@+08:00", "!miniTicker@arr")
    voyage = at_spot(*streams, combined=True)
    for _ in range(3):
        voyage.run(20.0)
        assert voyage.states == {"subscribed"}
        voyage.strike(Reset())
    voyage.run(20.0)
    assert {update.stream for update in voyage.of(Update)} == set(streams)
    assert [set(event.streams) for event in voyage.of(Subscribed)] == [set(streams)] * 4
    assert "SUBSCRIBE" not in asked(voyage)
    assert len(voyage.of(Gap)) == 3


def test_a_set_in_the_url_may_still_change() -> None:
    voyage = at_spot(
        "btcusdt@trade", "ethusdt@trade", served=("btcusdt@trade", "ethusdt@trade", "a@trade"), combined=True
    )
    voyage.run(5.0)
    voyage.unsubscribe("btcusdt@trade")
    voyage.subscribe("a@trade")
    voyage.run(5.0).strike(Reset())
    voyage.run(10.0)
    assert voyage.fleet.stream_states() == {"ethusdt@trade": "subscribed", "a@trade": "subscribed"}
    (connection,) = voyage.exchange._connections.values()
    assert connection.streams == {"ethusdt@trade", "a@trade"}
