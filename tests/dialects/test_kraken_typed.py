"""Kraken's messages as the types that all services share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dialects.samples import kraken as samples
from holdfast.dialects import kraken
from holdfast.dialects.models import BookTicker, DepthUpdate, Kline, MiniTicker, Model, Trade
from holdfast.dialects.words import Update

DIALECT = kraken.KrakenDialect()
AT = 1772619630.25


def typed(message: str) -> list[Model]:
    update = DIALECT.read(message)
    assert isinstance(update, Update)
    return update.typed()


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


MODELS: dict[str, list[Model]] = {
    samples.NEXT_TRADE: [Trade("ETH/EUR", "8803", *decimals("3121.00", "0.5"), "buy", 1772619631.0)],
    samples.TICKER: [
        BookTicker("ETH/EUR", *decimals("3120.5", "4.5", "3120.75", "2.0"), time=AT),
        MiniTicker("ETH/EUR", *decimals("3100.1", "3200.0", "3000.0", "3120.6", "9120.5"), time=AT),
    ],
    samples.BOOK: [
        DepthUpdate(
            *("BTC/USD", (), (decimals("62807.0", "0.00000000"), decimals("62818.8", "0.65540712")), False),
            checksum=4249465476,
            time=AT,
        )
    ],
    samples.OHLC: [
        Kline(
            *("ETH/EUR", "5", 1772619600.0, 1772619899.999),
            *decimals("3100.5", "3121.0", "3099.0", "3120.5", "30.5"),
            trades=12,
        )
    ],
    samples.INSTRUMENT: [],
}


@pytest.mark.parametrize("message", MODELS)
def test_every_message_as_types(message: str) -> None:
    assert typed(message) == MODELS[message]


def test_several_trades_of_one_message() -> None:
    trades = typed(samples.TRADE)
    assert [trade.id for trade in trades if isinstance(trade, Trade)] == ["8801", "8802"]


def test_numbers_keep_their_digits() -> None:
    """Or no checksum could be right."""
    (book,) = typed(samples.BOOK)
    assert isinstance(book, DepthUpdate)
    assert [f"{size:f}" for _, size in book.asks] == ["0.00000000", "0.65540712"]


def test_a_snapshot_says_so() -> None:
    (book,) = typed(samples.BOOK.replace('"update"', '"snapshot"'))
    assert isinstance(book, DepthUpdate)
    assert book.snapshot


@pytest.mark.parametrize(
    "message",
    [
        samples.NEXT_TRADE.replace("3121.00", '"x"'),
        samples.NEXT_TRADE.replace('"qty"', '"size"'),
        samples.NEXT_TRADE.replace("2026-03-04T10:20:31.000000Z", "soon"),
        samples.NEXT_TRADE.replace("2026-03-04T10:20:31.000000Z", "2026-03-04T10:20:31"),
        samples.NEXT_TRADE[:-3],
        samples.TICKER.replace("20.5,", "-1e999999999999999999,"),
    ],
)
def test_what_is_not_as_documented_is_a_value_error(message: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the words are msgspec's
        typed(message)
