"""What users write: streams, made into a service that can be dialled."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.dialects.channels import parted
from holdfast.dialects.dialect import Service, check_streams
from holdfast.dialects.kraken.dialect import KrakenDialect
from holdfast.dialects.kraken.streams import BOOKS, DEPTHS
from holdfast.errors import ConfigError
from holdfast.source import Source

URL = "wss://ws.kraken.com/v2"


def v2(*streams: str, depth: int | None = None, endpoint: Source | Sequence[Source] = URL) -> Service:
    """Kraken's public market data: `trade:BTC/USD`, `ticker:BTC/USD` (sent on trades), `ticker-bbo:BTC/USD` (on every
    change of the best prices), `book-10:BTC/USD`, `ohlc-1:BTC/USD` (minutes), `instrument`.
    https://docs.kraken.com/api/docs/websocket-v2/, as of 2026-06, read 2026-11-21.

    Messages of a book do not say how deep it is, nor those of a ticker what they are sent on: all books of a feed have
    one depth, and its tickers one form, those of the first that is given; `depth` is for books that come later.
    `endpoint` replaces the URL. Raises ConfigError.
    """
    parts = [parted(stream)[0] for stream in streams if isinstance(stream, str)]
    depths = [int(part.removeprefix("book-")) for part in parts if part in BOOKS]
    if depth is not None and depth not in DEPTHS:
        raise ConfigError(f"depth = {depth!r}: Kraken has books of depth {', '.join(map(str, DEPTHS))}")
    tickers = [part for part in parts if part in ("ticker", "ticker-bbo")]
    dialect = KrakenDialect(depth or (depths or [DEPTHS[0]])[0], (tickers or ["ticker"])[0])
    check_streams(dialect, streams)
    return Service(dialect, endpoint, tuple(dict.fromkeys(streams)))


def trade(symbol: str) -> str:
    """The name of a stream of trades."""
    return f"trade:{symbol}"


def ticker(symbol: str, *, on: str = "trades") -> str:
    """The name of a stream of best prices and 24 hours. `on`: `trades`, or `bbo` for every change of best prices."""
    if on not in ("trades", "bbo"):
        raise ConfigError(f"on = {on!r}: must be 'trades' or 'bbo'")
    return f"ticker:{symbol}" if on == "trades" else f"ticker-bbo:{symbol}"


def book(symbol: str, depth: int = 10) -> str:
    """The name of a stream of a book: all of it first, then changes."""
    return f"book-{depth}:{symbol}"


def ohlc(symbol: str, interval: int = 1) -> str:
    """The name of a stream of candles. `interval`: minutes. There is none for an interval without trades."""
    return f"ohlc-{interval}:{symbol}"
