"""Bybit's messages as the types that all services share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dialects.samples import bybit as samples
from holdfast.dialects import bybit
from holdfast.dialects.models import BookTicker, DepthUpdate, Kline, MarkPrice, MiniTicker, Model, Trade
from holdfast.dialects.words import Update

TIME = 1772619630.25
IDENT = "8a1f6b52-0c57-5a3e-a9d0-3f1c2b7d9e1"
BIDS = ((Decimal("62807.10"), Decimal("0.655")), (Decimal("62807.00"), Decimal("0.100")))
ASKS = ((Decimal("62818.80"), Decimal("0.029")),)
DAY = MiniTicker(
    "ETHUSDT",
    *map(Decimal, ("3099.10", "3200", "3000", "3120.60")),
    volume=Decimal("9120.5"),
    quote_volume=Decimal(28400000),
    time=TIME,
)
BEST = BookTicker("ETHUSDT", *map(Decimal, ("3120.50", "4.5", "3120.75", "2")), time=TIME)  # type: ignore[misc]
MARK = MarkPrice("ETHUSDT", Decimal("3120.61"), Decimal("3120.72"), Decimal("-0.0001"), 1772640000.0, TIME)
KLINE = Kline(
    "ETHUSDT",
    "5",
    1772619600.0,
    1772619899.999,
    *map(Decimal, ("3100.5", "3121", "3099", "3120.5")),
    volume=Decimal(12),
    quote_volume=Decimal("37325.4"),
    closed=False,
)
OPTION_NAME = "BTC-27MAR26-90000-C"
MODELS: dict[str, tuple[str, list[Model]]] = {
    samples.TRADE: (
        "spot",
        [
            Trade("ETHUSDT", IDENT + "0", Decimal("3120.55"), Decimal("0.25"), "buy", TIME - 0.001),
            Trade("ETHUSDT", IDENT + "1", Decimal("3120.50"), Decimal(1), "sell", TIME),
        ],
    ),
    samples.BOOK: ("spot", [DepthUpdate("BTCUSDT", BIDS, ASKS, True, last_id=7001, time=TIME)]),
    samples.DELTA: (
        "linear",
        [DepthUpdate("BTCUSDT", ((BIDS[0][0], Decimal(0)),), (), False, first_id=7002, last_id=7002, time=TIME + 0.02)],
    ),
    samples.FULL: (
        "spot",
        [DepthUpdate("BTCUSDT", ((Decimal("62807.1"), Decimal("0.1")),), (), False, last_id=1, time=TIME)],
    ),
    samples.RPI: ("spot", []),
    samples.SPOT_TICKER: ("spot", [DAY]),
    samples.TICKER: ("linear", [DAY, BEST, MARK]),
    samples.TICKER_DELTA: (
        "linear",
        [MarkPrice("ETHUSDT", Decimal("3120.65"), Decimal("3120.80"), time=TIME)],
    ),
    samples.KLINE: ("spot", [KLINE]),
    samples.LIQUIDATION: ("linear", []),
    samples.OPTION_TRADE: (
        "option",
        [Trade(OPTION_NAME, "a1", Decimal("120.5"), Decimal("0.3"), "buy", TIME)],
    ),
    samples.OPTION_TICKER: (
        "option",
        [
            BookTicker(OPTION_NAME, Decimal(115), Decimal("2.5"), Decimal(125), Decimal("5.1"), time=TIME),
            MarkPrice(OPTION_NAME, Decimal("120.25"), Decimal(62810), time=TIME),
        ],
    ),
    samples.SPOT_ACK.replace('"success":true', '"topic":"x"'): ("spot", []),
}


def update_of(category: str, message: str) -> Update:
    update = bybit.public(category).dialect.read(message)
    assert isinstance(update, Update)
    return update


@pytest.mark.parametrize("message", MODELS)
def test_messages_as_models(message: str) -> None:
    category, expected = MODELS[message]
    assert update_of(category, message).typed() == expected


def test_volumes_of_inverse_contracts_are_told_in_the_coin() -> None:
    (day, *_) = update_of("inverse", samples.TICKER).typed()
    assert isinstance(day, MiniTicker)
    assert (day.volume, day.quote_volume) == (DAY.quote_volume, DAY.volume)
    (candle,) = update_of("inverse", samples.KLINE).typed()
    assert isinstance(candle, Kline)
    assert (candle.volume, candle.quote_volume) == (KLINE.quote_volume, KLINE.volume)


@pytest.mark.parametrize(
    "message",
    [
        samples.TRADE.replace('"0.25"', '"x"'),
        samples.TRADE.replace('"Buy"', '"Hold"'),
        samples.TICKER.replace('"4.5"', '"x"'),
        samples.TICKER.replace("1772640000000", "soon"),
        samples.BOOK.replace('"u":7001,', ""),
    ],
)
def test_what_is_not_as_documented_is_a_value_error(message: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        update_of("linear", message).typed()
