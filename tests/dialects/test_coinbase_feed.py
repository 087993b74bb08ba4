"""A whole feed at a simulated Coinbase: what the machine makes of answers without a number."""

from __future__ import annotations

from dialects.sea import Sea
from holdfast import Disconnected, Gap, Stale, Update
from holdfast.dialects import coinbase
from holdfast.testing.services.coinbase import Coinbase

URL = "ws://example.com/"
STREAMS = ("market_trades:BTC-USD", "ticker:BTC-USD", "level2:BTC-USD", "level2:ETH-USD", "candles:BTC-USD")


def sea_of(*asked: str, brings: tuple[str, ...] = STREAMS, **options: object) -> Sea:
    service = Coinbase(products=["BTC-USD", "ETH-USD"])
    return Sea(coinbase.advanced(*asked, endpoint=URL), service, brings, **options)


def test_all_that_is_wanted_is_subscribed_and_stays() -> None:
    sea = sea_of(*STREAMS)
    sea.run(600.0)
    assert sea.fleet.stream_states() == dict.fromkeys(STREAMS, "subscribed")
    assert {update.stream for update in sea.of(Update)} >= set(STREAMS) - {"level2:ETH-USD"}
    assert {name for update in sea.of(Update) for name in (update.stream, *update.further_streams)} == set(STREAMS)
    assert sea.closed_by == []
    assert sea.of(Disconnected) == []


def test_a_product_in_which_nothing_happens_is_not_taken_for_dead() -> None:
    """Its snapshot came before the acknowledgement, and nothing after that."""
    sea = sea_of("ticker:BTC-USD", "level2:ETH-USD", brings=("ticker:BTC-USD",))
    sea.run(600.0)
    assert [event for event in sea.of(Stale) if event.stream] == []
    assert sea.of(Gap) == []
    assert sea.of(Disconnected) == []


def test_a_connection_without_streams_lives() -> None:
    sea = sea_of(brings=("ticker:BTC-USD",))
    sea.run(600.0)
    assert sea.of(Disconnected) == []
