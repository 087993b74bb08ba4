"""Coinbase's messages as the types that all services share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dialects.samples import coinbase as samples
from holdfast.dialects import coinbase
from holdfast.dialects.models import BookTicker, DepthUpdate, Kline, Model, Trade
from holdfast.dialects.words import Update

TIME = 1772619630.25
BID, ASK = (Decimal("62807.10"), Decimal("0.65540712")), (Decimal("62818.80"), Decimal(0))
PRICES = (Decimal("3100.5"), Decimal("3121.0"), Decimal("3099.0"), Decimal("3120.5"))
MODELS: dict[str, list[Model]] = {
    # The service tells the side of the maker.
    samples.TRADES: [
        Trade("ETH-EUR", "7001", Decimal("3120.55"), Decimal("0.25000000"), "sell", TIME - 0.125),
        Trade("ETH-EUR", "7002", Decimal("3120.50"), Decimal(1), "buy", TIME),
    ],
    samples.TICKER: [
        BookTicker("ETH-EUR", Decimal("3120.5"), Decimal("4.5"), Decimal("3120.75"), Decimal("2.0"), time=TIME)
    ],
    samples.TICKER.replace('"3120.75"', '""'): [],
    samples.TICKER_BATCH: [],
    samples.BOOK: [DepthUpdate("BTC-USD", (BID,), (ASK,), False, time=TIME)],
    samples.BOOKS_OF_TWO: [
        DepthUpdate("BTC-USD", ((Decimal("62807.10"), Decimal(1)),), (), True, time=TIME),
        DepthUpdate("ETH-USD", (), ((Decimal("3120.10"), Decimal(2)),), True, time=TIME),
    ],
    samples.CANDLES: [
        Kline("ETH-EUR", "FIVE_MINUTE", 1772619600.0, 1772619899.999, *PRICES, volume=Decimal("30.5")),
    ],
    samples.STATUS: [],
}


def update_of(message: str) -> Update:
    update = coinbase.advanced().dialect.read(message)
    assert isinstance(update, Update)
    return update


@pytest.mark.parametrize("message", MODELS)
def test_messages_as_models(message: str) -> None:
    models = update_of(message).typed()
    assert [type(model) for model in models] == [type(model) for model in MODELS[message]]
    for model, expected in zip(models, MODELS[message], strict=True):
        for name in expected.__struct_fields__:
            wanted = getattr(expected, name)
            found = getattr(model, name)
            assert found == (pytest.approx(wanted, abs=1e-6) if isinstance(wanted, float) else wanted)


@pytest.mark.parametrize(
    "message",
    [
        samples.TRADES.replace('"3120.55"', '"x"'),
        samples.TRADES.replace('"BUY"', '"HOLD"'),
        samples.TRADES.replace("30.125000Z", "30.125000"),
        samples.TICKER.replace('"4.5"', '"x"'),
        samples.CANDLES.replace('"1772619600"', '"x"'),
    ],
)
def test_what_is_not_as_documented_is_a_value_error(message: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        update_of(message).typed()


def test_what_belongs_to_no_stream_has_no_model() -> None:
    assert update_of("{}").typed() == []
