"""A simulated Kraken, WebSocket API v2: public market data.

As documented at https://docs.kraken.com/api/docs/websocket-v2/, read 2026-11-21, and as clients observed it. Streams
have the names of `holdfast.dialects.kraken`. A request gets an answer for each symbol; a book has ten levels a side.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, cast
from zlib import crc32

from holdfast.testing.ledger import Publication
from holdfast.testing.rules import Rules
from holdfast.testing.service import Client, Service
from holdfast.testing.services.figures import Level, book, change, compact, object_in, price, rfc3339, size, texts_in

_DEPTHS = (10, 25, 100, 500, 1000)
_INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
_MESSAGES_PER_SECOND = 20  # no number is documented; beyond it a request is lost


class Kraken(Service):
    """`instruments`: those that exist, such as `BTC/USD`; None for all that look like one."""

    PATH = "/v2"
    rules = Rules(heartbeat=1.0, dial_limit=(150, 600.0, None), idle=(60.0, 1000, "inactivity"))

    def __init__(self, instruments: Collection[str] | None = None) -> None:
        self._instruments = instruments

    def asked_by(self, target: str) -> Collection[str] | None:
        return [] if target.partition("?")[0] == self.PATH else None

    def greeting(self, client: Client) -> list[str]:  # noqa: ARG002
        status = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": 15113583034416118705}
        return [compact({"channel": "status", "type": "update", "data": [status]})]

    def answer(self, request: str, client: Client) -> list[str]:
        if client.is_one_too_many(_MESSAGES_PER_SECOND, 1.0):
            return [compact({"Error": "Exceeded msg rate"})]
        asked = object_in(request)
        if asked is None:
            return [compact({"error": "Malformed request", "success": False, **_times(client)})]
        echo = {"req_id": asked["req_id"]} if isinstance(asked.get("req_id"), int) else {}
        method = asked.get("method")
        if method == "ping":
            return [compact({"method": "pong", **echo, **_times(client)})]
        if method not in ("subscribe", "unsubscribe"):
            return [compact({"error": "Method not supported", "success": False, **_times(client), **echo})]
        return self._changed(method, asked.get("params"), client, {**_times(client), **echo})

    def message(self, publication: Publication, wall_time: float) -> str:
        channel, _, symbol = publication.stream.partition(":")
        return _written(_message(channel, symbol, publication, wall_time, "update"))

    def has_heartbeats(self, client: Client) -> bool:
        """They begin with the first subscription."""
        return bool(client.streams)

    # Inside

    def _changed(self, method: str, params: object, client: Client, tail: dict[str, Any]) -> list[str]:
        """An answer for each symbol, then the snapshots."""
        given = cast("dict[str, Any]", params) if isinstance(params, dict) else {}
        channel, told = _channel(given)
        if channel is None:
            return [compact({"error": told["error"], "method": method, "success": False, **tail})]
        answers: list[str] = []
        snapshots: list[str] = []
        for symbol in texts_in(given.get("symbol")) or ([""] if channel == "instrument" else []):
            stream = f"{channel}:{symbol}" if symbol else channel
            problem = self._problem(method, stream, symbol, client)
            about = {"symbol": symbol} if symbol else {}
            if problem:
                answers.append(compact({"error": problem, "method": method, "success": False, **about, **tail}))
                continue
            answers.append(compact({"method": method, "result": {**told, **about}, "success": True, **tail}))
            if method == "unsubscribe":
                client.streams.discard(stream)
                continue
            client.streams.add(stream)
            if given.get("snapshot", channel != "trade") is True:
                latest = client.latest(stream) or Publication(stream, 0, 0.0)
                snapshots.append(_written(_message(channel, symbol, latest, client.wall_time, "snapshot")))
        return answers + snapshots

    def _problem(self, method: str, stream: str, symbol: str, client: Client) -> str | None:
        exists = "/" in symbol if self._instruments is None else symbol in self._instruments
        if symbol and not exists:
            return f"Currency pair not supported {symbol}"
        if method == "unsubscribe":
            return None if stream in client.streams else "Subscription Not Found"
        return "Already subscribed" if stream in client.streams else None


def _channel(given: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """As it stands in the name of a stream, and what an answer says of it; None with an error."""
    channel = given.get("channel")
    if channel in ("trade", "instrument"):
        return channel, {"channel": channel, "snapshot": given.get("snapshot", channel != "trade")}
    if channel == "ticker":
        trigger = given.get("event_trigger", "trades")
        name = {"trades": "ticker", "bbo": "ticker-bbo"}.get(trigger) if isinstance(trigger, str) else None
        return name, {"channel": channel, "event_trigger": trigger, "error": "Event trigger not supported"}
    if channel == "book":
        depth = given.get("depth", 10)
        name = f"book-{depth}" if depth in _DEPTHS else None
        return name, {"channel": channel, "depth": depth, "error": "Subscription depth not supported"}
    if channel == "ohlc":
        interval = given.get("interval", 1)
        name = f"ohlc-{interval}" if interval in _INTERVALS else None
        told = {"channel": channel, "interval": interval, "error": "Subscription ohlc interval not supported"}
        return name, {**told, "warnings": ["timestamp is deprecated, use interval_begin"]}
    return None, {"error": "Channel not supported"}


def _message(channel: str, symbol: str, publication: Publication, wall_time: float, kind: str) -> dict[str, Any]:
    kind_of_channel, _, parameter = channel.partition("-")
    data, extra = _DATA[kind_of_channel](symbol, parameter, publication, wall_time, kind)
    return {"channel": kind_of_channel, "type": kind, **extra, "data": data}


_Data = tuple[Any, dict[str, Any]]


def _trade(symbol: str, _: str, publication: Publication, wall_time: float, __: str) -> _Data:
    number = publication.sequence
    told = {"symbol": symbol, "side": ("buy", "sell")[number % 2], "price": _number(price(publication.stream, number))}
    last = {"qty": _number(size(number)), "ord_type": "market", "trade_id": number, "timestamp": rfc3339(wall_time)}
    return [{**told, **last}], {}


def _ticker(symbol: str, _: str, publication: Publication, wall_time: float, __: str) -> _Data:
    at = _number(price(publication.stream, publication.sequence))
    told = {"symbol": symbol, "bid": at, "bid_qty": _number(size(publication.sequence)), "ask": at, "ask_qty": 1.0}
    day = {"last": at, "volume": 997038.98383185, "vwap": at, "low": at, "high": at, "change": 0.5, "change_pct": 0.1}
    return [{**told, **day, "timestamp": rfc3339(wall_time)}], {}


def _book(symbol: str, _: str, publication: Publication, wall_time: float, kind: str) -> _Data:
    whole = book(publication.sequence)
    told: dict[str, list[Level]] = {"bids": [], "asks": []}
    if kind == "snapshot":
        told = {"bids": whole["bids"], "asks": whole["asks"]}
    else:
        side, level = change(publication.sequence)
        told[side] = [level]
    sides = {
        side: [{"price": _number(at), "qty": _number(quantity)} for at, quantity in levels]
        for side, levels in told.items()
    }
    checksum = crc32(
        "".join(_digits(text) for side in ("asks", "bids") for level in whole[side] for text in level).encode()
    )
    return [{"symbol": symbol, **sides, "checksum": checksum, "timestamp": rfc3339(wall_time)}], {}


def _ohlc(symbol: str, minutes: str, publication: Publication, wall_time: float, _: str) -> _Data:
    seconds = int(minutes) * 60
    begin = wall_time // seconds * seconds
    at = _number(price(publication.stream, publication.sequence))
    candle = {"symbol": symbol, "open": at, "high": at, "low": at, "close": at, "trades": publication.sequence}
    amount = {"volume": _number(size(publication.sequence)), "vwap": at, "interval_begin": rfc3339(begin, 9)}
    ends = {"interval": int(minutes), "timestamp": rfc3339(begin + seconds)}
    return [{**candle, **amount, **ends}], {"timestamp": rfc3339(wall_time, 9)}


def _instrument(_: str, __: str, publication: Publication, ___: float, ____: str) -> _Data:
    asset = {"id": "USD", "status": "enabled", "precision": 4, "precision_display": 2, "borrowable": True}
    pair = {"symbol": "BTC/USD", "base": "BTC", "quote": "USD", "status": "online", "qty_precision": 8}
    figures = {"qty_increment": 1e-08, "price_precision": 1, "cost_min": publication.sequence, "tick_size": 0.1}
    return {"assets": [asset], "pairs": [{**pair, **figures}]}, {}


_DATA = {"trade": _trade, "ticker": _ticker, "book": _book, "ohlc": _ohlc, "instrument": _instrument}  # by channel


def _number(text: str) -> str:
    """A number that keeps its digits, zeros at the end included; `_written` takes the marks off."""
    return f"#{text}#"


def _written(value: object) -> str:
    return re.sub(r'"#([\d.]+)#"', r"\1", compact(value))


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _times(client: Client) -> dict[str, str]:
    return {"time_in": rfc3339(client.wall_time), "time_out": rfc3339(client.wall_time)}
