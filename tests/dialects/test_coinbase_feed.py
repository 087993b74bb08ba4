"""A feed at a simulated Coinbase: what the machine makes of answers without a number."""

from __future__ import annotations

from collections.abc import Iterable

from dialects.voyage import HOST, Voyage
from holdfast import Disconnected, Gap, Stale, SubscriptionRefused, Unsubscribed, Update
from holdfast.dialects import coinbase
from holdfast.testing.services.coinbase import Coinbase

STREAMS = ("market_trades:BTC-USD", "ticker:BTC-USD", "level2:BTC-USD", "level2:ETH-USD", "candles:BTC-USD")


def voyage_of(*asked: str, brings: Iterable[str] = STREAMS, products: Iterable[str] | None = None) -> Voyage:
    service = Coinbase(list(products) if products is not None else None)
    return Voyage(coinbase.advanced(*asked, endpoint=f"ws://{HOST}/"), service, brings)


def test_all_that_is_wanted_is_subscribed_and_stays() -> None:
    voyage = voyage_of(*STREAMS).run(600.0)
    assert voyage.fleet.stream_states() == dict.fromkeys(STREAMS, "subscribed")
    assert {name for update in voyage.of(Update) for name in (update.stream, *update.further_streams)} == set(STREAMS)
    assert [record.closed_by for record in voyage.connections] == [None]
    assert voyage.of(Disconnected) == []


def test_a_product_in_which_nothing_happens_is_not_taken_for_dead() -> None:
    """Its snapshot came before the acknowledgement, and nothing after that."""
    voyage = voyage_of("ticker:BTC-USD", "level2:ETH-USD", brings=["ticker:BTC-USD"]).run(600.0)
    assert [event for event in voyage.of(Stale) if event.stream] == []
    assert voyage.of(Gap) == []
    assert voyage.of(Disconnected) == []


def test_a_connection_without_streams_lives() -> None:
    voyage = voyage_of().run(600.0)
    assert voyage.of(Disconnected) == []
    assert len(voyage.connections) == 1


def test_books_beyond_the_limit_are_refused_and_all_else_comes() -> None:
    books = [f"level2:A{number}-USD" for number in range(40)]
    voyage = voyage_of("ticker:BTC-USD", *books, "candles:BTC-USD").run(60.0)
    states = voyage.fleet.stream_states()
    assert states["ticker:BTC-USD"] == states["candles:BTC-USD"] == "subscribed"
    assert sorted(states.values()) == ["refused"] * 10 + ["subscribed"] * 32
    assert {event.reason for event in voyage.of(SubscriptionRefused)} == {
        "too many L2 streams requested in a single session"
    }
    assert voyage.of(Disconnected) == []


def test_products_that_do_not_exist_are_refused_and_all_others_come() -> None:
    wanted = ("ticker:NO-PE", "ticker:BTC-USD", "level2:ETH-USD", "level2:NO-PE")
    voyage = voyage_of(*wanted, products=["BTC-USD", "ETH-USD"]).run(60.0)
    assert voyage.fleet.stream_states() == {
        "ticker:NO-PE": "refused",
        "ticker:BTC-USD": "subscribed",
        "level2:ETH-USD": "subscribed",
        "level2:NO-PE": "refused",
    }
    refused = [(event.stream, event.reason) for event in voyage.of(SubscriptionRefused)]
    reason = "not in the list of what is subscribed"
    assert sorted(refused) == [("level2:NO-PE", reason), ("ticker:NO-PE", reason)]
    assert voyage.of(Disconnected) == []


def test_streams_come_and_go() -> None:
    voyage = voyage_of("ticker:BTC-USD").run(5.0)
    voyage.subscribe("level2:BTC-USD", "candles:BTC-USD")
    voyage.unsubscribe("ticker:BTC-USD")
    voyage.run(5.0)
    assert voyage.states == {"subscribed"}
    assert [event.streams for event in voyage.of(Unsubscribed)] == [("ticker:BTC-USD",)]
    seen = len(voyage.of(Update))
    voyage.run(5.0)
    assert {update.stream for update in voyage.of(Update)[seen:]} == {"level2:BTC-USD", "candles:BTC-USD"}
