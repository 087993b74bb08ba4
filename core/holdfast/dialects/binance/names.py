"""Names of streams, for those who would rather not spell them. A symbol may be given in any case."""

from __future__ import annotations


def trade(symbol: str) -> str:
    """`btcusdt@trade`: every trade. On USD-M it is not documented, though it comes (observed until 2026-08)."""
    return f"{symbol.lower()}@trade"


def agg_trade(symbol: str) -> str:
    """`btcusdt@aggTrade`: the fills of one taker order at one price, put together."""
    return f"{symbol.lower()}@aggTrade"


def kline(symbol: str, interval: str) -> str:
    """`btcusdt@kline_1m`: the current candle. `interval`: `1m`, `1h`, `1d`, ...; `1M` is a month."""
    return f"{symbol.lower()}@kline_{interval}"


def continuous_kline(pair: str, interval: str, contract: str = "perpetual") -> str:
    """`btcusdt_perpetual@continuousKline_1m`: candles of whatever contract is the one in question. USD-M only."""
    return f"{pair.lower()}_{contract.lower()}@continuousKline_{interval}"


def mini_ticker(symbol: str) -> str:
    """`btcusdt@miniTicker`: open, high, low, close and volume of the last 24 hours."""
    return f"{symbol.lower()}@miniTicker"


def ticker(symbol: str) -> str:
    """`btcusdt@ticker`: the last 24 hours, at more length."""
    return f"{symbol.lower()}@ticker"


def book_ticker(symbol: str) -> str:
    """`btcusdt@bookTicker`: the best bid and ask, whenever one changes."""
    return f"{symbol.lower()}@bookTicker"


def depth(symbol: str, levels: int | None = None, *, speed: int | None = None) -> str:
    """`btcusdt@depth`: changes of the book; with `levels` (5, 10, 20) `btcusdt@depth5`: its best levels, all each time.

    `speed`: milliseconds between messages (100; on USD-M also 500); None for the service's own, 1000 on spot and 250 on
    USD-M.
    """
    return f"{symbol.lower()}@depth{levels or ''}" + (f"@{speed}ms" if speed is not None else "")


def mark_price(symbol: str, *, every_second: bool = False) -> str:
    """`btcusdt@markPrice`: mark price and funding rate, every 3 seconds or every second. USD-M only."""
    return f"{symbol.lower()}@markPrice" + ("@1s" if every_second else "")
