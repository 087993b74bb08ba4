"""OKX's public market data, WebSocket API v5.

    okx.public("trades:BTC-USDT", "books:BTC-USDT-SWAP")
    okx.business("candle1m:BTC-USDT")

Candles and trades one by one come over another URL than everything else: two services. Sources, read 2026-11-21, as of
2026-06: https://www.okx.com/docs-v5/en/#overview-websocket (connections, limits, notices) and
https://www.okx.com/docs-v5/en/#order-book-trading-market-data (channels).
"""

from holdfast.dialects.okx.checksum import book_checksum
from holdfast.dialects.okx.dialect import OkxDialect
from holdfast.dialects.okx.services import (
    BUSINESS_URL,
    PUBLIC_URL,
    book,
    business,
    candles,
    funding_rate,
    mark_price,
    public,
    ticker,
    trades,
    trades_all,
)
from holdfast.dialects.okx.streams import BARS
from holdfast.dialects.okx.updates import OkxUpdate

__all__ = [
    "BARS",
    "BUSINESS_URL",
    "PUBLIC_URL",
    "OkxDialect",
    "OkxUpdate",
    "book",
    "book_checksum",
    "business",
    "candles",
    "funding_rate",
    "mark_price",
    "public",
    "ticker",
    "trades",
    "trades_all",
]
