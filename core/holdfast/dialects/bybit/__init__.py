"""Bybit v5: public market data of spot, linear and inverse contracts, and options.

    bybit.public("spot", "publicTrade.BTCUSDT", "orderbook.50.BTCUSDT")

Sources, with the dates when they were read, stand in `topics.py` (topics) and `dialect.py` (limits).
"""

from holdfast.dialects.bybit.dialect import BybitDialect, public
from holdfast.dialects.bybit.names import all_liquidation, kline, orderbook, public_trade, tickers
from holdfast.dialects.bybit.updates import BybitUpdate, InverseUpdate

__all__ = [
    "BybitDialect",
    "BybitUpdate",
    "InverseUpdate",
    "all_liquidation",
    "kline",
    "orderbook",
    "public",
    "public_trade",
    "tickers",
]
