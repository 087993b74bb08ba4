"""Coinbase Advanced Trade: public market data.

    coinbase.advanced("market_trades:BTC-USD", "level2:ETH-USD")

Not the feed of Coinbase Exchange, which speaks otherwise. Sources, with the dates when they were read, stand in
`dialect.py`.
"""

from holdfast.dialects.coinbase.dialect import (
    CoinbaseDialect,
    advanced,
    candles,
    level2,
    market_trades,
    status,
    ticker,
    ticker_batch,
)
from holdfast.dialects.coinbase.updates import CoinbaseUpdate

__all__ = [
    "CoinbaseDialect",
    "CoinbaseUpdate",
    "advanced",
    "candles",
    "level2",
    "market_trades",
    "status",
    "ticker",
    "ticker_batch",
]
