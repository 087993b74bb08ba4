"""OKX's messages as the types that all services share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dialects.samples import okx as samples
from holdfast.dialects import okx
from holdfast.dialects.models import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    FundingRate,
    Kline,
    MarkPrice,
    MiniTicker,
    Model,
    Trade,
)
from holdfast.dialects.words import Update

PUBLIC = okx.OkxDialect("public")
AT = 1772619630.25
BIDS, ASKS = ((Decimal("3120.5"), Decimal("2.56")),), ((Decimal("3120.6"), Decimal("4.15")),)
BEST = (*BIDS[0], *ASKS[0])


def typed(message: str) -> list[Model]:
    update = PUBLIC.read(message)
    assert isinstance(update, Update)
    return update.typed()


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


MODELS: dict[str, list[Model]] = {
    samples.TRADES: [AggTrade("ETH-USDT", "8804", *decimals("3120.50", "1.250"), "sell", AT, 8802, 8804)],
    samples.TRADES_ALL: [Trade("ETH-USDT", "8804", *decimals("3120.50", "1.250"), "buy", AT)],
    samples.TICKERS: [
        BookTicker("ETH-USDT", *decimals("3120.4", "5.50", "3120.6", "11"), time=AT),
        MiniTicker("ETH-USDT", *decimals("3000", "3200", "2990.1", "3120.5", "912.5", "2850000"), time=AT),
    ],
    samples.BOOK: [DepthUpdate("ETH-USDT", BIDS, ASKS, True, last_id=500, time=AT)],
    samples.CHANGES: [
        DepthUpdate(
            *("ETH-USDT", (), ((Decimal("3120.6"), Decimal(0)),), False),
            last_id=507,
            previous_id=500,
            time=1772619630.35,
        )
    ],
    samples.BOOKS5: [DepthUpdate("ETH-USDT", BIDS, ASKS, True, last_id=501, time=AT)],
    samples.BEST: [BookTicker("ETH-USDT", *BEST, 501, AT)],
    samples.CANDLE: [
        Kline(
            *("ETH-USDT", "1H", 1772618400.0, 1772621999.999),
            *decimals("3100.1", "3121", "3099", "3120.5", "452.47", "1405000.5"),
            closed=False,
        )
    ],
    samples.SWAP_CANDLE: [
        Kline(
            *("ETH-USDT-SWAP", "1Mutc", 1772323200.0, 1775001599.999),
            *decimals("3100.1", "3121", "3099", "3120.5", "45.2", "141000.5"),
            closed=True,
        )
    ],
    samples.MARK_PRICE: [MarkPrice("ETH-USDT-SWAP", Decimal("3120.51"), time=AT)],
    samples.FUNDING: [FundingRate("ETH-USDT-SWAP", Decimal("0.000125"), 1772640000.0, AT)],
}


@pytest.mark.parametrize("message", [*samples.PUBLIC.values(), *samples.BUSINESS.values(), samples.BOOK])
def test_every_message_as_types(message: str) -> None:
    assert typed(message) == MODELS.get(message, [])


def test_numbers_keep_their_digits() -> None:
    (trade,) = typed(samples.TRADES)
    assert isinstance(trade, AggTrade)
    assert (str(trade.price), str(trade.size)) == ("3120.50", "1.250")


def test_what_is_empty_has_no_model() -> None:
    assert typed(samples.BEST.replace('[["3120.6","4.15","0","13"]]', "[]")) == []
    no_bid = samples.TICKERS.replace('"bidPx":"3120.4"', '"bidPx":""')
    assert [type(model) for model in typed(no_bid)] == [MiniTicker]
    never_traded = samples.TICKERS.replace('"last":"3120.5"', '"last":""')
    assert [type(model) for model in typed(never_traded)] == [BookTicker]


def test_volumes_are_of_the_base_asset() -> None:
    swap = samples.TICKERS.replace('"SPOT"', '"SWAP"')
    (_, day) = typed(swap)
    assert isinstance(day, MiniTicker)
    assert (day.volume, day.quote_volume) == (Decimal(2850000), None)


@pytest.mark.parametrize(
    ("bar", "opened", "closes"),
    [
        ("1s", "2026-03-04T00:00:00Z", "2026-03-04T00:00:01Z"),
        ("15m", "2026-03-04T00:00:00Z", "2026-03-04T00:15:00Z"),
        ("1Wutc", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
        ("1M", "2026-02-28T16:00:00Z", "2026-03-31T16:00:00Z"),
        ("3M", "2025-12-31T16:00:00Z", "2026-03-31T16:00:00Z"),
        ("3Mutc", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("1Mutc", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_when_a_candle_ends(bar: str, opened: str, closes: str) -> None:
    from holdfast.dialects.channels import unix_time

    text = samples.CANDLE.replace("1H", bar).replace("1772618400000", str(round(unix_time(opened) * 1000)))
    (candle,) = typed(text)
    assert isinstance(candle, Kline)
    assert candle.open_time == unix_time(opened)
    assert candle.close_time == pytest.approx(unix_time(closes) - 0.001)


@pytest.mark.parametrize(
    "message",
    [
        samples.TRADES.replace('"3120.50"', '"x"'),
        samples.TRADES.replace('"px"', '"py"'),
        samples.TRADES.replace('"sell"', '"hold"'),
        samples.TICKERS.replace('"open24h":"3000"', '"open24h":"x"'),
        samples.CANDLE.replace('"3121"', '"x"'),
        samples.CANDLE.replace('"1772618400000"', '"x"'),
        samples.CANDLE.replace('"1772618400000"', f'"{10**400}"'),
        samples.SWAP_CANDLE.replace('"1772323200000"', f'"{10**30}"'),
        samples.CANDLE.replace('"3121",', ""),
        samples.TRADES[:-3],
        samples.TRADES.replace('"data":[{', '"data":[7,{'),
    ],
)
def test_what_is_not_as_documented_is_a_value_error(message: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the words are msgspec's
        typed(message)
