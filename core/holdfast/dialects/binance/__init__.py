"""Binance: the market streams of spot and of USD-M futures.

    binance.spot("btcusdt@kline_1m", "btcusdt@bookTicker")
    binance.usdm("btcusdt@aggTrade", "btcusdt@markPrice@1s")

Sources, with the dates when they were read, stand in `markets.py` (streams) and `dialect.py` (limits).
"""

from holdfast.dialects.binance.dialect import BinanceDialect
from holdfast.dialects.binance.names import (
    agg_trade,
    book_ticker,
    continuous_kline,
    depth,
    kline,
    mark_price,
    mini_ticker,
    ticker,
    trade,
)
from holdfast.dialects.binance.services import spot, usdm, usdm_route
from holdfast.dialects.binance.updates import BinanceUpdate, SpotUpdate, UsdmUpdate

__all__ = [
    "BinanceDialect",
    "BinanceUpdate",
    "SpotUpdate",
    "UsdmUpdate",
    "agg_trade",
    "book_ticker",
    "continuous_kline",
    "depth",
    "kline",
    "mark_price",
    "mini_ticker",
    "spot",
    "ticker",
    "trade",
    "usdm",
    "usdm_route",
]
