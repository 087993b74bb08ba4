"""The streams of Binance's markets, as data.

Spot: https://github.com/binance/binance-spot-api-docs, web-socket-streams.md, as of 2026-07-21, read 2026-11-21.
USD-M futures: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams, as of
2026-05-28, read 2026-11-21. What is called observed stands in no document of Binance's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from operator import itemgetter
from typing import cast

from holdfast.dialects.binance.kinds import Kind, Market, Payload

_SYMBOL = r"[^\s@!/\"\\A-Z]+"  # since 2025-12 symbols of spot may hold others than ASCII
_SECONDS = {
    "1s": 1,
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "4h": 14400,
    "6h": 21600,
    "8h": 28800,
    "12h": 43200,
    "1d": 86400,
    "3d": 259_200,
    "1w": 604_800,
    "1M": 2_678_400,
}
_INTERVALS = "|".join(_SECONDS)
_FUTURES_INTERVALS = _INTERVALS.removeprefix("1s|")
_CONTRACTS = "perpetual|current_quarter|next_quarter|tradifi_perpetual"

PUBLIC, MARKET = "public", "market"  # the routes of USD-M


# What numbers mean


def _numbered(name: str) -> Callable[[Payload], tuple[int, int]]:
    """Each message has the number after the one before."""

    def chain(payload: Payload) -> tuple[int, int]:
        number: int = payload[name]
        return number - 1, number

    return chain


def _first_to_last(payload: Payload) -> tuple[int, int]:
    """Of spot: `U` is the `u` of the message before plus one."""
    return payload["U"] - 1, payload["u"]


_linked = itemgetter("pu", "u")  # of futures: `pu` is the `u` of the message before; `U` is not the number after it


def _candle(payload: Payload) -> Hashable:
    return (payload["k"]["t"], payload["E"])


def _order(payload: Payload) -> Hashable:
    order = payload["o"]
    return (order["s"], order["T"], order["S"], order["p"], order["q"])


def _tick(payload: Payload) -> Hashable:
    """A tick of a whole market may come as several messages, each with other symbols (observed for TradFi)."""
    return (payload[0]["E"], payload[0]["s"], len(payload))


def _time_of_tick(payload: Payload) -> float:
    return cast(float, payload[0]["E"])


# How long a stream may be silent


def _ticks(seconds: float) -> Callable[[str], float]:
    """Of one that comes whether or not anything happens: ten messages that are missing are too many. But TCP on a bad
    network may hold up all for some seconds, too.
    """
    return lambda _stream: max(15.0, 10.0 * seconds)


def _mark_price_ticks(stream: str) -> float:
    return _ticks(1.0 if stream.endswith("@1s") else 3.0)(stream)


def _candle_ticks(stream: str) -> float:
    """Of spot: an interval without trades has its candle, too (observed: `n` 0, `f` and `L` -1). Two may be late."""
    return 2.0 * _SECONDS[stream.partition("@kline_")[2].partition("@")[0]] + 10.0


# The streams


def _of_symbol(
    rest: str,
    key: Callable[[Payload], Hashable] = itemgetter("E"),
    chain: Callable[[Payload], tuple[int, int]] | None = None,
    *,
    shown: str | None = None,
    symbol: str = "symbol",
    time: Callable[[Payload], float] | None = itemgetter("E"),
    head: str | None = None,
    silence: Callable[[str], float] | None = None,
    payload: str | None = None,
) -> Kind:
    form = f"<{symbol}>@{shown or rest}"
    return Kind(form, f"{_SYMBOL}@{rest}", key, chain, time, head, silence, payload=payload)


def _of_market(rest: str, every: float, *, shown: str | None = None, payload: str | None = None) -> Kind:
    return Kind(shown or rest, rest, _tick, time=_time_of_tick, silence=_ticks(every), payload=payload)


SPOT = Market(
    title="Binance spot",
    example="btcusdt@trade",
    kinds=(
        # `t` and `a` have no holes: `f` of an aggTrade is the `l` before plus one, and `n` of a ticker is L - F + 1.
        _of_symbol("trade", itemgetter("t"), _numbered("t"), payload="trade"),
        _of_symbol("aggTrade", itemgetter("a"), _numbered("a"), payload="aggTrade"),
        _of_symbol("blockTrade", itemgetter("t"), payload="trade"),
        _of_symbol(
            rf"kline_(?:{_INTERVALS})(?:@\+08:00)?",
            _candle,
            shown=f"kline_<{_INTERVALS}>[@+08:00]",
            silence=_candle_ticks,
            payload="kline",
        ),
        _of_symbol("miniTicker", payload="miniTicker"),
        _of_market("!miniTicker@arr", 1.0, payload="miniTicker"),
        _of_symbol("ticker", payload="miniTicker"),
        _of_symbol("ticker_(?:1h|4h|1d)", shown="ticker_<1h|4h|1d>"),
        _of_market("!ticker_(?:1h|4h|1d)@arr", 1.0, shown="!ticker_<1h|4h|1d>@arr"),
        _of_symbol("bookTicker", itemgetter("u"), time=None, payload="bookTicker"),
        _of_symbol("avgPrice"),
        _of_symbol("referencePrice", itemgetter("t"), time=itemgetter("t")),
        _of_symbol(
            "depth(?:5|10|20)(?:@100ms)?",
            itemgetter("lastUpdateId"),
            shown="depth<5|10|20>[@100ms]",
            time=None,
            head=',"bids":[',
            payload="spot top",
        ),
        _of_symbol(
            "depth(?:@100ms)?",
            itemgetter("U", "u"),
            _first_to_last,
            shown="depth[@100ms]",
            head=',"b":[',
            payload="depth",
        ),
    ),
    retired=(
        ("!ticker@arr", "Binance spot retired it on 2026-03-26: ask for '!miniTicker@arr', or for <symbol>@ticker"),
        ("!bookTicker", "Binance spot retired it on 2022-12-07: ask for <symbol>@bookTicker"),
    ),
)

_ON_PUBLIC = (
    # Not documented, observed until 2026-08. Those of type "NA" are numbers spent without a trade, and count.
    _of_symbol("trade", itemgetter("t"), _numbered("t"), payload="trade"),
    _of_symbol("bookTicker", itemgetter("u"), payload="bookTicker"),
    Kind("!bookTicker", "!bookTicker", itemgetter("s", "u"), silence=_ticks(5.0), payload="bookTicker"),
    _of_symbol(
        "depth(?:5|10|20)(?:@[15]00ms)?",
        itemgetter("u"),
        shown="depth<5|10|20>[@500ms|@100ms]",
        head=',"b":[',
        payload="futures top",
    ),
    _of_symbol(
        "depth(?:@[15]00ms)?",
        itemgetter("U", "u", "pu"),
        _linked,
        shown="depth[@500ms|@100ms]",
        head=',"b":[',
        payload="depth",
    ),
    _of_symbol("rpiDepth@500ms", itemgetter("U", "u", "pu"), _linked, head=',"b":[', payload="depth"),
)
_ON_MARKET = (
    # Its `f` and `l` have holes, because fills of the insurance fund and of ADL are left out; `a` has none.
    _of_symbol("aggTrade", itemgetter("a"), _numbered("a"), payload="aggTrade"),
    _of_symbol("markPrice(?:@1s)?", shown="markPrice[@1s]", silence=_mark_price_ticks, payload="markPrice"),
    _of_market("!markPrice@arr", 3.0, payload="markPrice"),
    _of_market("!markPrice@arr@1s", 1.0, payload="markPrice"),
    _of_symbol(f"kline_(?:{_FUTURES_INTERVALS})", _candle, shown=f"kline_<{_FUTURES_INTERVALS}>", payload="kline"),
    Kind(
        f"<pair>_<{_CONTRACTS}>@continuousKline_<{_INTERVALS}>",
        f"{_SYMBOL}_(?:{_CONTRACTS})@continuousKline_(?:{_INTERVALS})",
        _candle,
        payload="kline",
    ),
    _of_symbol("miniTicker", payload="miniTicker"),
    _of_market("!miniTicker@arr", 1.0, payload="miniTicker"),
    _of_symbol("ticker", payload="miniTicker"),
    _of_market("!ticker@arr", 1.0, payload="miniTicker"),
    _of_symbol("forceOrder", _order),
    Kind("!forceOrder@arr", "!forceOrder@arr", _order),
    _of_symbol("compositeIndex", silence=_ticks(1.0)),
    Kind("!contractInfo", "!contractInfo", itemgetter("s", "E")),
    _of_symbol("assetIndex", symbol="asset", silence=_ticks(1.0)),
    _of_market("!assetIndex@arr", 1.0),
    Kind("tradingSession", "tradingSession", itemgetter("e", "E"), silence=_ticks(1.0)),
)

USDM = Market(
    title="Binance USD-M",
    example="btcusdt@aggTrade",
    kinds=(
        *(replace(kind, route=PUBLIC) for kind in _ON_PUBLIC),
        *(replace(kind, route=MARKET) for kind in _ON_MARKET),
    ),
)
