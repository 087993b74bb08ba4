"""Kraken's public market data, WebSocket API v2.

    kraken.v2("trade:BTC/USD", "book-10:BTC/USD", "ohlc-1:ETH/USD")

Sources, read 2026-11-21, as of 2026-06: https://docs.kraken.com/api/docs/guides/spot-ws-intro (connections, limits) and
https://docs.kraken.com/api/docs/websocket-v2/ (channels). The book's checksum:
https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2.
"""

from holdfast.dialects.kraken.checksum import book_checksum
from holdfast.dialects.kraken.dialect import KrakenDialect
from holdfast.dialects.kraken.services import URL, book, ohlc, ticker, trade, v2
from holdfast.dialects.kraken.streams import DEPTHS, INTERVALS, KrakenUpdate

__all__ = [
    "DEPTHS",
    "INTERVALS",
    "URL",
    "KrakenDialect",
    "KrakenUpdate",
    "book",
    "book_checksum",
    "ohlc",
    "ticker",
    "trade",
    "v2",
]
