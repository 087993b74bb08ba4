"""A feed at a simulated Bybit: requests that fall with one stream, and what is left of them."""

from __future__ import annotations

import pytest

from dialects.voyage import HOST, Voyage
from holdfast import Disconnected, Stale, Subscribed, SubscriptionRefused, Unsubscribed, Update
from holdfast.dialects import bybit
from holdfast.testing.services.bybit import Bybit, Category


def voyage_of(category: Category, *streams: str, symbols: list[str] | None = None, rate: float = 1.0) -> Voyage:
    source = bybit.public(category, *streams, endpoint=f"ws://{HOST}/v5/public/{category}")
    return Voyage(source, Bybit(category, symbols), streams, rate=rate)


@pytest.mark.parametrize(
    ("category", "streams"),
    [
        ("spot", [f"publicTrade.A{number}USDT" for number in range(95)]),
        ("linear", [f"orderbook.50.A{number}USDT" for number in range(300)]),
        ("inverse", ["tickers.BTCUSD", "publicTrade.BTCUSD"]),
        ("option", ["publicTrade.BTC", "tickers.BTC-26DEC25-90000-C"]),
    ],
)
def test_all_that_is_wanted_is_subscribed_and_stays(category: Category, streams: list[str]) -> None:
    voyage = voyage_of(category, *streams).run(30.0)
    assert voyage.fleet.stream_states() == dict.fromkeys(streams, "subscribed")
    assert {update.stream for update in voyage.of(Update)} == set(streams)
    assert [record.closed_by for record in voyage.connections] == [None]
    assert voyage.of(SubscriptionRefused) == []


@pytest.mark.parametrize("category", ["spot", "linear", "option"])
def test_topics_that_do_not_exist_are_refused_and_all_others_come(category: Category) -> None:
    there = [f"tickers.A{number}USDT" for number in range(12)]
    missing = ["tickers.NOUSDT", "tickers.PEUSDT"]
    wanted = [*there[:3], missing[0], *there[3:7], missing[1], *there[7:]]
    voyage = voyage_of(category, *wanted, symbols=[name.removeprefix("tickers.") for name in there]).run(30.0)
    assert voyage.fleet.stream_states() == {**dict.fromkeys(there, "subscribed"), **dict.fromkeys(missing, "refused")}
    assert sorted(event.stream for event in voyage.of(SubscriptionRefused)) == missing
    assert voyage.of(Disconnected) == []


@pytest.mark.parametrize("category", ["spot", "inverse", "option"])
def test_what_is_not_wanted_any_more_is_taken_back(category: Category) -> None:
    voyage = voyage_of(category, "tickers.AUSDT", "tickers.BUSDT").run(5.0)
    voyage.unsubscribe("tickers.AUSDT")
    voyage.run(5.0)
    assert [event.streams for event in voyage.of(Unsubscribed)] == [("tickers.AUSDT",)]
    count = len(voyage.of(Update))
    voyage.run(10.0)
    assert {update.stream for update in voyage.of(Update)[count:]} == {"tickers.BUSDT"}
    voyage.subscribe("tickers.AUSDT")
    voyage.run(5.0)
    assert [event.streams for event in voyage.of(Subscribed)][-1] == ("tickers.AUSDT",)


def test_a_quiet_connection_lives_by_pings() -> None:
    voyage = voyage_of("spot", "publicTrade.AUSDT", rate=1e-6).run(4000.0)
    assert voyage.of(Disconnected) == []
    assert len(voyage.connections) == 1


def test_the_best_prices_of_contracts_must_come() -> None:
    """Bybit sends them every 3 s at least; one that stays away is noticed, and the others are left alone."""
    voyage = voyage_of("linear", "orderbook.1.AUSDT", rate=1e-6).run(20.0)
    assert [event.stream for event in voyage.of(Stale)] == ["orderbook.1.AUSDT"]
    spot = voyage_of("spot", "orderbook.1.AUSDT", rate=1e-6).run(60.0)
    assert spot.of(Stale) == []
