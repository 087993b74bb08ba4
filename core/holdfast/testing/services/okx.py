"""A simulated OKX, WebSocket API v5: its public and its business URL.

As documented at https://www.okx.com/docs-v5/en/#overview-websocket, read 2026-11-21, and as clients observed it.
Streams have the names of `holdfast.dialects.okx`. A request gets an answer for each of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, cast
from zlib import crc32

from holdfast.testing.ledger import Publication
from holdfast.testing.rules import Rules
from holdfast.testing.service import Client, Service
from holdfast.testing.services.figures import Level, book, change, compact, millis, object_in, price, size

_REQUESTS_PER_HOUR = 480
_SECONDS = {"s": 1, "m": 60, "H": 3600, "D": 86_400, "W": 604_800, "M": 2_592_000}  # months are of 30 days here
_EAST = 28_800  # seconds; days begin there, unless a bar says `utc`
_PARAMETERS = ("instId", "instType", "instFamily")
_Told = Callable[[str, str, Publication, float], Any]  # channel, instrument, what was published, when


class Okx(Service):
    """`instruments`: those that exist, such as `BTC-USDT`; None for all that look like one.

    `NOTICE` is for `Rules.notice`: what OKX says 60 s before it closes connections for an upgrade.
    """

    PUBLIC, BUSINESS = "/ws/v5/public", "/ws/v5/business"
    NOTICE = (
        '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please '
        'reconnect.","connId":"a4d3ae55"}'
    )
    rules = Rules(idle=(30.0, 4004, "No data received in 30s"), dial_limit=(3, 1.0, None))

    def __init__(self, instruments: Collection[str] | None = None) -> None:
        self._instruments = instruments

    def asked_by(self, target: str) -> Collection[str] | None:
        return [] if target.partition("?")[0] in (self.PUBLIC, self.BUSINESS) else None

    def answer(self, request: str, client: Client) -> list[str]:
        if request == "ping":
            return ["pong"]
        asked = object_in(request)
        if asked is None:
            return [_error("60012", f"Invalid request: {request[:200]}", {}, client)]
        ident = asked.get("id")
        echo = {"id": ident} if isinstance(ident, str) and ident.isalnum() and len(ident) <= 32 else {}
        if ident is not None and not echo:
            return [_error("60033", "Parameter id error", {}, client)]
        if client.is_one_too_many(_REQUESTS_PER_HOUR, 3600.0):
            return [_error("60014", "Requests too frequent", echo, client)]
        what, given = asked.get("op"), asked.get("args")
        if what not in ("subscribe", "unsubscribe"):
            return [_error("60012", f"Invalid request: {compact(asked)[:200]}", echo, client)]
        arguments = cast("list[object]", given) if isinstance(given, list) else []
        if not arguments or not all(isinstance(argument, dict) for argument in arguments):
            return [_error("60013", "Invalid args", echo, client)]
        return self._changed(what, cast("list[dict[str, Any]]", arguments), echo, client)

    def message(self, publication: Publication, wall_time: float) -> str:
        return _message(publication, wall_time, "update")

    # Inside

    def _changed(self, what: str, arguments: list[dict[str, Any]], echo: dict[str, str], client: Client) -> list[str]:
        """An answer for each argument, then what is told at once. Who asks again for what it has gets no snapshot."""
        answers: list[str] = []
        first: list[str] = []
        for argument in arguments:
            stream = self._stream(argument, client)
            if stream is None:
                words = ",".join(f"{name}:{value}" for name, value in argument.items())
                advice = "Please use the correct URL, channel and parameters referring to API document."
                answers.append(_error("60018", f"Wrong URL or {words} doesn't exist. {advice}", echo, client))
                continue
            answers.append(compact({**echo, "event": what, "arg": argument, "connId": _connection(client)}))
            if what == "unsubscribe":
                client.streams.discard(stream)
            elif stream not in client.streams:
                client.streams.add(stream)
                if stream.partition(":")[0] not in _ON_EVENTS:
                    latest = client.latest(stream) or Publication(stream, 0, 0.0)
                    first.append(_message(latest, client.wall_time, "snapshot"))
        return answers + first

    def _stream(self, argument: dict[str, Any], client: Client) -> str | None:
        """None for what does not exist at this URL."""
        channel = argument.get("channel")
        is_business = client.target.partition("?")[0] == self.BUSINESS
        if not isinstance(channel, str) or (channel not in _DATA and _bar(channel) is None):
            return None
        if is_business is not (channel == "trades-all" or channel not in _DATA):
            return None
        parameter = _ASKED_WITH.get(channel, "instId")
        value = argument.get(parameter) if parameter else ""
        if not isinstance(value, str) or set(argument) - {"channel", parameter}:
            return None
        if parameter == "instId" and not ("-" in value if self._instruments is None else value in self._instruments):
            return None
        return f"{channel}:{value}" if parameter else channel


def _message(publication: Publication, wall_time: float, kind: str) -> str:
    channel, _, instrument = publication.stream.partition(":")
    parameter = _ASKED_WITH.get(channel, "instId")
    argument = {"channel": channel, parameter: instrument} if parameter else {"channel": channel}
    if channel in ("books", "books-elp"):
        told = _snapshot if kind == "snapshot" else _changes
        return compact({"arg": argument, "action": kind, "data": [told(publication, wall_time)]})
    told_by = _DATA.get(channel, _candle)
    return compact({"arg": argument, "data": [told_by(channel, instrument, publication, wall_time)]})


def _number(sequence: int) -> int:
    """The `seqId` of a book after so many updates: it grows, and has holes."""
    return 1000 + sequence * 3 + sequence // 5


def _snapshot(publication: Publication, wall_time: float) -> dict[str, Any]:
    return {**_sides(book(publication.sequence)), **_numbers(publication, wall_time), "prevSeqId": -1}


def _changes(publication: Publication, wall_time: float) -> dict[str, Any]:
    side, level = change(publication.sequence)
    before = _number(publication.sequence - 1)
    return {**_sides({"asks": [], "bids": [], side: [level]}), **_numbers(publication, wall_time), "prevSeqId": before}


def _numbers(publication: Publication, wall_time: float) -> dict[str, Any]:
    """The checksum is 0 since 2026-06-23."""
    return {"ts": str(millis(wall_time)), "checksum": 0, "seqId": _number(publication.sequence)}


def _sides(sides: dict[str, list[Level]], levels: int = 400) -> dict[str, list[list[str]]]:
    return {side: [[at, amount, "0", "1"] for at, amount in sides[side][:levels]] for side in ("asks", "bids")}


def _best(channel: str, instrument: str, publication: Publication, wall_time: float) -> Any:
    whole = _sides(book(publication.sequence), 5 if channel == "books5" else 1)
    name = {"instId": instrument} if channel == "books5" else {}
    return {**whole, **name, "ts": str(millis(wall_time)), "seqId": _number(publication.sequence)}


def _trade(channel: str, instrument: str, publication: Publication, wall_time: float) -> Any:
    """Of trades put together, every message tells of one, two, or three."""
    number, at = publication.sequence, price(publication.stream, publication.sequence)
    count = (number - 1) % 3 + 1
    ident = number if channel == "trades-all" else 6 * (number // 3) + (0, 1, 3)[number % 3]
    told = {
        "instId": instrument,
        "tradeId": str(ident),
        "px": at,
        "sz": size(number),
        "side": ("buy", "sell")[number % 2],
    }
    rest = {"count": str(count), "source": "0", "seqId": _number(number)} if channel == "trades" else {"source": "0"}
    return {**told, "ts": str(millis(wall_time)), **rest}


def _ticker(_: str, instrument: str, publication: Publication, wall_time: float) -> Any:
    at, amount = price(publication.stream, publication.sequence), size(publication.sequence)
    told = {
        "instType": _type(instrument),
        "instId": instrument,
        "last": at,
        "lastSz": amount,
        "askPx": at,
        "askSz": "11",
    }
    day = {
        "bidPx": at,
        "bidSz": amount,
        "open24h": at,
        "high24h": at,
        "low24h": at,
        "volCcy24h": "2222",
        "vol24h": "20",
    }
    return {**told, **day, "sodUtc0": at, "sodUtc8": at, "ts": str(millis(wall_time))}


def _candle(channel: str, _: str, publication: Publication, wall_time: float) -> Any:
    """Those of prices that nobody pays have no volume. None is ever whole here."""
    bar = _bar(channel) or "1m"
    seconds = int(bar.removesuffix("utc")[:-1]) * _SECONDS[bar.removesuffix("utc")[-1]]
    east = 0 if bar.endswith("utc") else _EAST
    opened = str(millis((wall_time + east) // seconds * seconds - east))
    at, amount = price(publication.stream, publication.sequence), size(publication.sequence)
    volumes = [amount] * 3 if channel.startswith("candle") else []
    return [opened, at, at, at, at, *volumes, "0"]


def _event(parameter: str, **fields: str) -> _Told:
    """What has a time, a name, and little else."""

    def told(_: str, instrument: str, publication: Publication, wall_time: float) -> Any:
        at = price(publication.stream, publication.sequence)
        figures = {name: at if value == "price" else value for name, value in fields.items()}
        name = {parameter: instrument} if parameter else {}
        return {**name, **figures, "ts": str(millis(wall_time))}

    return told


def _funding(_: str, instrument: str, __: Publication, wall_time: float) -> Any:
    due = (wall_time // 28_800 + 1) * 28_800
    times = {
        "fundingTime": str(millis(due)),
        "nextFundingTime": str(millis(due + 28_800)),
        "ts": str(millis(wall_time)),
    }
    rates = {"fundingRate": "0.0001875391284828", "maxFundingRate": "0.00375", "minFundingRate": "-0.00375"}
    return {
        "instId": instrument,
        "instType": "SWAP",
        "method": "current_period",
        "nextFundingRate": "",
        **rates,
        **times,
    }


def _liquidation(_: str, kind: str, publication: Publication, wall_time: float) -> Any:
    at, amount = price(publication.stream, publication.sequence), size(publication.sequence)
    detail = {"bkLoss": "0", "bkPx": at, "ccy": "", "posSide": "short", "side": "buy", "sz": amount}
    details = [{**detail, "ts": str(millis(wall_time))}]
    return {
        "details": details,
        "instFamily": "BTC-USDT",
        "instId": "BTC-USDT-SWAP",
        "instType": kind,
        "uly": "BTC-USDT",
    }


def _type(instrument: str) -> str:
    return {1: "SPOT", 2: "SWAP" if instrument.endswith("-SWAP") else "FUTURES"}.get(instrument.count("-"), "OPTION")


_DATA: dict[str, _Told] = {
    "trades": _trade,
    "trades-all": _trade,
    "tickers": _ticker,
    "books": _best,  # only to be known; their messages have an action
    "books-elp": _best,
    "books5": _best,
    "bbo-tbt": _best,
    "mark-price": _event("instId", instType="SWAP", markPx="price"),
    "index-tickers": _event("instId", idxPx="price", high24h="price", low24h="price", open24h="price"),
    "funding-rate": _funding,
    "open-interest": _event("instId", instType="SWAP", oi="2216113", oiCcy="22161.13", oiUsd="1939251795.54"),
    "price-limit": _event("instId", buyLmt="price", sellLmt="price"),
    "liquidation-orders": _liquidation,
    "adl-warning": _event("instType", instFamily="BTC-USDT", state="warning", bal="price"),
    "instruments": _event("instType", instId="BTC-USDT", state="live", tickSz="0.1", lotSz="0.00000001"),
    "opt-summary": _event("instFamily", instType="OPTION", instId="BTC-USD-261225-60000-C", delta="0.5", fwdPx="price"),
    "status": _event("", state="scheduled", title="Trading account WebSocket system upgrade", serviceType="0"),
}
_ASKED_WITH = {
    "liquidation-orders": "instType",
    "adl-warning": "instType",
    "instruments": "instType",
    "opt-summary": "instFamily",
    "status": "",
}
_ON_EVENTS = {"trades", "trades-all", "liquidation-orders", "adl-warning", "status"}  # nothing is told at once


def _bar(channel: str) -> str | None:
    """Of a channel of candles."""
    kind, candle, bar = channel.partition("candle")
    name = bar.removesuffix("utc")
    is_one = bool(candle) and kind in ("", "mark-price-", "index-") and name[:-1].isdigit() and name[-1] in _SECONDS
    return bar if is_one else None


def _error(code: str, text: str, echo: dict[str, str], client: Client) -> str:
    return compact({**echo, "event": "error", "code": code, "msg": text, "connId": _connection(client)})


def _connection(client: Client) -> str:
    return f"{crc32(client.target.encode()):08x}"
