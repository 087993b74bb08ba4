"""What a simulated Binance says of its markets: payloads with the documented fields.

All numbers come from that of the publication, so that they have holes only where messages are missing, whoever gets
them on whichever connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from holdfast.testing.ledger import Publication
from holdfast.testing.services.figures import LEVELS, Level, book, change, millis, price, size

Payload = dict[str, Any] | list[dict[str, Any]]
_Maker = Callable[[str, str, int, int], Payload]
"""Symbol, what stands behind the kind's name in that of the stream, number, Unix time in milliseconds."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000}  # a month here has 30 days
_MONDAY = 4 * 86_400_000  # weeks do not begin on a Thursday, as Unix time does
_CHANGES = 3  # numbers of the book's that a message of its changes spends
_WINDOWS = {"1h": 1, "4h": 4, "1d": 24}  # hours
_FUNDING = 8 * 3_600_000


class Payloads:
    """Of one market. Makers are found by the kind of stream, the text up to which a name says no more than a symbol."""

    _MAKERS: Mapping[str, _Maker]

    def __init__(self) -> None:
        self._open: dict[str, int] = {}  # by stream, the candle that was told of last

    def of(self, publication: Publication, wall_time: float) -> Payload:
        symbol, kind, rest = _parts(publication.stream)
        interval = re.match(r"(\d+)([smhdwM])", rest)
        if interval is not None and kind in ("kline", "continuousKline"):
            length = int(interval[1]) * _UNITS[interval[2]] * 1000
            shift = _MONDAY if interval[2] == "w" else -8 * 3_600_000 if "+08:00" in rest else 0
            return self._candle(publication, length, shift, millis(wall_time))
        maker = self._MAKERS.get(kind, _unknown)
        return maker(symbol, rest, publication.sequence, millis(wall_time))

    def _candle(self, publication: Publication, length: int, shift: int, now: int) -> Payload:
        """The first message of an interval tells that the one before is closed. Times in milliseconds."""
        symbol, kind, rest = _parts(publication.stream)
        begin = (now - shift) // length * length + shift
        last = self._open.get(publication.stream)
        self._open[publication.stream] = begin
        closed = last == begin - length
        begin -= length if closed else 0
        number = publication.sequence
        first, latest = price(symbol, 0), price(symbol, number)
        times = {"t": begin, "T": begin + length - 1}
        prices = {"o": first, "c": latest, "h": max(first, latest, key=float), "l": min(first, latest, key=float)}
        amounts = {"v": "10.5", "n": 3, "x": closed, "q": "1050.0", "V": "5.25", "Q": "525.0", "B": "0"}
        candle = {"i": rest.partition("@")[0], "f": 3 * number - 2, "L": 3 * number, **prices, **amounts}
        if kind == "kline":
            return {"e": "kline", "E": now, "s": symbol, "k": {**times, "s": symbol, **candle}}
        pair, _, contract = symbol.partition("_")
        return {"e": "continuous_kline", "E": now, "ps": pair, "ct": contract, "k": {**times, **candle}}


def _parts(stream: str) -> tuple[str, str, str]:
    """Symbol, kind and rest: `BTCUSDT`, `depth` and `5@100ms`; or none, `!ticker` and `1h@arr`."""
    found = re.fullmatch(r"(?:([^@!]*)@)?(!?[A-Za-z]+)_?(.*)", stream)
    symbol, kind, rest = found.groups() if found is not None else ("", "", "")
    return (symbol or "").upper(), kind, rest


def _unknown(symbol: str, _rest: str, _number: int, now: int) -> Payload:
    """Of streams that there are only in an exchange's own list."""
    return {"e": "unknown", "E": now, "s": symbol}


def _event(kind: str, now: int, symbol: str) -> dict[str, Any]:
    return {"e": kind, "E": now, "s": symbol}


# Trades


def _trade(symbol: str, number: int, now: int) -> dict[str, Any]:
    told = {"t": number, "p": price(symbol, number), "q": size(number), "T": now - 1, "m": number % 2 == 0}
    return {**_event("trade", now, symbol), **told}


def _spot_trade(symbol: str, _: str, number: int, now: int) -> Payload:
    return {**_trade(symbol, number, now), "M": True}


def _block_trade(symbol: str, _: str, number: int, now: int) -> Payload:
    return {**_trade(symbol, number, now), "e": "blockTrade"}


def _futures_trade(symbol: str, _: str, number: int, now: int) -> Payload:
    """Every tenth number is spent without a trade."""
    void = {"p": "0", "q": "0", "X": "NA"} if number % 10 == 0 else {"X": "MARKET"}
    return {**_trade(symbol, number, now), **void}


def _agg_trade(symbol: str, first: int, number: int, now: int) -> dict[str, Any]:
    told = {"a": number, "p": price(symbol, number), "q": size(number), "f": first, "l": 3 * number, "T": now - 1}
    return {**_event("aggTrade", now, symbol), **told, "m": number % 2 == 0}


def _spot_agg_trade(symbol: str, _: str, number: int, now: int) -> Payload:
    return {**_agg_trade(symbol, 3 * number - 2, number, now), "M": True}


def _futures_agg_trade(symbol: str, _: str, number: int, now: int) -> Payload:
    """Some trades belong to none."""
    return {**_agg_trade(symbol, 3 * number - 1, number, now), "nq": size(number), "st": 1}


# Figures of a day


def _of_day(symbol: str, number: int) -> dict[str, Any]:
    told = price(symbol, number)
    return {"c": told, "o": price(symbol, 0), "h": told, "l": told, "v": "10000.5", "q": "1800000.25"}


def _mini(symbol: str, _: str, number: int, now: int) -> dict[str, Any]:
    return {**_event("24hrMiniTicker", now, symbol), **_of_day(symbol, number)}


def _window(kind: str, hours: int, symbol: str, number: int, now: int) -> dict[str, Any]:
    moved = {"p": "1.50", "P": "0.250", "w": price(symbol, 0)}
    trades = {"O": now - hours * 3_600_000, "C": now, "F": 0, "L": number, "n": number + 1}
    return {**_event(kind, now, symbol), **moved, **_of_day(symbol, number), **trades}


def _spot_ticker(symbol: str, rest: str, number: int, now: int) -> dict[str, Any]:
    span = rest.partition("@")[0]
    if span in _WINDOWS:
        return _window(f"{span}Ticker", _WINDOWS[span], symbol, number, now)
    at = price(symbol, number)
    best = {"x": price(symbol, 0), "Q": size(number), "b": at, "B": "10.0", "a": at, "A": "12.0"}
    return {**_window("24hrTicker", 24, symbol, number, now), **best}


def _futures_ticker(symbol: str, _: str, number: int, now: int) -> dict[str, Any]:
    return {**_window("24hrTicker", 24, symbol, number, now), "Q": size(number)}


def _all(maker: Callable[[str, str, int, int], dict[str, Any]]) -> _Maker:
    """Of a whole market, which is small here."""
    return lambda _, rest, number, now: [maker(symbol, rest, number, now) for symbol in ("BTCUSDT", "ETHUSDT")]


# Books


def _top(symbol: str, number: int) -> dict[str, Any]:
    """Its numbers grow, and have holes."""
    bid, ask = price(symbol, number), price(symbol, number)[:-1] + "9"
    return {"u": _CHANGES * 2 * number, "s": symbol, "b": bid, "B": size(number), "a": ask, "A": size(number + 1)}


def _spot_top(symbol: str, _: str, number: int, __: int) -> Payload:
    return _top(symbol, number)


def _futures_top(symbol: str, _: str, number: int, now: int) -> Payload:
    """Of all symbols together, `!bookTicker`, each message tells of one."""
    symbol = symbol or ("BTCUSDT", "ETHUSDT")[number % 2]
    return {"e": "bookTicker", "E": now, "T": now - 1, **_top(symbol, number), "ps": symbol, "st": 1}


def _depth(rest: str) -> int:
    """How many levels; 0 for what changes."""
    digits = re.match(r"\d+", rest)
    return min(int(digits[0]), LEVELS) if digits is not None else 0


def _levels(depth: int, number: int) -> tuple[list[Level], list[Level]]:
    """Bids and asks."""
    if depth:
        whole = book(number)
        return whole["bids"][:depth], whole["asks"][:depth]
    side, level = change(number)
    return ([level], []) if side == "bids" else ([], [level])


def _spot_depth(symbol: str, rest: str, number: int, now: int) -> Payload:
    depth = _depth(rest)
    bids, asks = _levels(depth, number)
    last = _CHANGES * number
    if depth:
        return {"lastUpdateId": last, "bids": bids, "asks": asks}
    return {**_event("depthUpdate", now, symbol), "U": last - _CHANGES + 1, "u": last, "b": bids, "a": asks}


def _futures_depth(symbol: str, rest: str, number: int, now: int) -> Payload:
    """`pu` is the last number of the message before; `U` is not the number after that."""
    bids, asks = _levels(_depth(rest), number)
    last, step = 2 * _CHANGES * number, 2 * _CHANGES
    numbers = {"U": last - _CHANGES + 1, "u": last, "pu": last - step}
    market = {"T": now - 1, "s": symbol, "ps": symbol, "st": 1}
    return {"e": "depthUpdate", "E": now, **market, **numbers, "b": bids, "a": asks}


# What else spot has


def _avg_price(symbol: str, _: str, number: int, now: int) -> Payload:
    return {**_event("avgPrice", now, symbol), "i": "5m", "w": price(symbol, number), "T": now - 1}


def _reference_price(symbol: str, _: str, number: int, now: int) -> Payload:
    return {"e": "referencePrice", "s": symbol, "r": price(symbol, number), "t": now}


# What else futures have


def _mark_price(symbol: str, _: str, number: int, now: int) -> dict[str, Any]:
    at = price(symbol, number)
    told = {"p": at, "ap": at, "i": at, "P": at, "r": "0.00010000", "T": (now // _FUNDING + 1) * _FUNDING}
    return {**_event("markPriceUpdate", now, symbol), **told}


def _force_order(symbol: str, _: str, number: int, now: int) -> Payload:
    at, amount = price(symbol, number), size(number)
    order = {"s": symbol or "BTCUSDT", "S": ("BUY", "SELL")[number % 2], "o": "LIMIT", "f": "IOC", "q": amount, "p": at}
    return {"e": "forceOrder", "E": now, "o": {**order, "ap": at, "X": "FILLED", "l": amount, "z": amount, "T": now}}


def _composite_index(symbol: str, _: str, number: int, now: int) -> Payload:
    part = {"b": "BTC", "q": "USDT", "w": "1.0", "W": "1.00000000", "i": price("BTCUSDT", number)}
    return {**_event("compositeIndex", now, symbol), "p": price(symbol, number), "C": "baseAsset", "c": [part]}


def _contract_info(_: str, __: str, ___: int, now: int) -> Payload:
    times = {"dt": 4_133_404_800_000, "ot": 1_569_398_400_000}
    return {**_event("contractInfo", now, "BTCUSDT"), "ps": "BTCUSDT", "ct": "PERPETUAL", **times, "cs": "TRADING"}


def _asset_index(symbol: str, _: str, number: int, now: int) -> dict[str, Any]:
    at = price(symbol, number)
    buffers = {"b": "0.10", "a": "0.10", "B": at, "A": at, "q": "0.05", "g": "0.05", "Q": at, "G": at}
    return {**_event("assetIndexUpdate", now, symbol), "i": at, **buffers}


def _session(_: str, __: str, number: int, now: int) -> Payload:
    """One message for each market."""
    market = ("EquityUpdate", "CommodityUpdate")[number % 2]
    return {"e": market, "E": now, "t": now - now % _FUNDING, "T": now - now % _FUNDING + _FUNDING, "S": "REGULAR"}


class SpotPayloads(Payloads):
    _MAKERS: Mapping[str, _Maker] = {
        "trade": _spot_trade,
        "aggTrade": _spot_agg_trade,
        "blockTrade": _block_trade,
        "miniTicker": _mini,
        "!miniTicker": _all(_mini),
        "ticker": _spot_ticker,
        "!ticker": _all(_spot_ticker),
        "bookTicker": _spot_top,
        "avgPrice": _avg_price,
        "referencePrice": _reference_price,
        "depth": _spot_depth,
    }


class UsdmPayloads(Payloads):
    _MAKERS: Mapping[str, _Maker] = {
        "trade": _futures_trade,
        "aggTrade": _futures_agg_trade,
        "bookTicker": _futures_top,
        "!bookTicker": _futures_top,
        "depth": _futures_depth,
        "rpiDepth": lambda symbol, _, number, now: _futures_depth(symbol, "", number, now),
        "markPrice": _mark_price,
        "!markPrice": _all(_mark_price),
        "miniTicker": _mini,
        "!miniTicker": _all(_mini),
        "ticker": _futures_ticker,
        "!ticker": _all(_futures_ticker),
        "forceOrder": _force_order,
        "!forceOrder": _force_order,
        "compositeIndex": _composite_index,
        "!contractInfo": _contract_info,
        "assetIndex": _asset_index,
        "!assetIndex": _all(_asset_index),
        "tradingSession": _session,
    }
