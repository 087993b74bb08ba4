"""What users write: streams, made into a service that can be dialled."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.dialects.dialect import Service, check_streams
from holdfast.dialects.okx.dialect import OkxDialect
from holdfast.source import Source

PUBLIC_URL = "wss://ws.okx.com:8443/ws/v5/public"
BUSINESS_URL = "wss://ws.okx.com:8443/ws/v5/business"
_PUBLIC, _BUSINESS = OkxDialect("public"), OkxDialect("business")


def public(*streams: str, endpoint: Source | Sequence[Source] = PUBLIC_URL) -> Service:
    """Trades, books, tickers, mark prices, funding rates and what else comes over OKX's public URL, such as
    `trades:BTC-USDT`: https://www.okx.com/docs-v5/en/#overview-websocket, as of 2026-06, read 2026-11-21.

    `endpoint` replaces the URL, such as `wss://wseea.okx.com:8443/ws/v5/public` for Europe, or
    `wss://wspap.okx.com:8443/ws/v5/public` for the demo. Raises ConfigError for what is no stream of this URL.
    """
    check_streams(_PUBLIC, streams)
    return Service(_PUBLIC, endpoint, tuple(dict.fromkeys(streams)))


def business(*streams: str, endpoint: Source | Sequence[Source] = BUSINESS_URL) -> Service:
    """Candles and trades one by one, such as `candle1m:BTC-USDT`, `trades-all:BTC-USDT`, which come over a URL of their
    own: https://www.okx.com/docs-v5/en/#order-book-trading-market-data, as of 2026-06, read 2026-11-21.

    `endpoint` as for `public`. Raises ConfigError for what is no stream of this URL.
    """
    check_streams(_BUSINESS, streams)
    return Service(_BUSINESS, endpoint, tuple(dict.fromkeys(streams)))


def trades(instrument: str) -> str:
    """`trades:BTC-USDT`: the fills of one taker order at one price, put together (public)."""
    return f"trades:{instrument}"


def trades_all(instrument: str) -> str:
    """`trades-all:BTC-USDT`: trades one by one (business)."""
    return f"trades-all:{instrument}"


def ticker(instrument: str) -> str:
    """`tickers:BTC-USDT`: best prices and 24 hours (public)."""
    return f"tickers:{instrument}"


def book(instrument: str, channel: str = "books") -> str:
    """`books:BTC-USDT`: 400 levels, then changes; `channel`: also `books5`, `bbo-tbt`, all of it each time (public)."""
    return f"{channel}:{instrument}"


def candles(instrument: str, bar: str = "1m") -> str:
    """`candle1m:BTC-USDT` (business). `bar`: one of `BARS`; `1m` is a minute, `1M` a month."""
    return f"candle{bar}:{instrument}"


def mark_price(instrument: str) -> str:
    """`mark-price:BTC-USDT-SWAP`: at least one in 10 s (public)."""
    return f"mark-price:{instrument}"


def funding_rate(instrument: str) -> str:
    """`funding-rate:BTC-USDT-SWAP`: one in 30 to 90 s (public)."""
    return f"funding-rate:{instrument}"
