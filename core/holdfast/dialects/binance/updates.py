"""Messages of Binance: data in its envelope, told by its first characters; whatever else, by a parse."""

from __future__ import annotations

import json
from collections.abc import Hashable
from math import isfinite
from typing import Any, ClassVar, NamedTuple, cast

from holdfast.dialects.binance.kinds import Kind, Market, Payload
from holdfast.dialects.binance.markets import SPOT, USDM
from holdfast.dialects.words import (
    Acknowledged,
    Control,
    Listed,
    ModelReader,
    Notice,
    Reading,
    Refused,
    Update,
    json_of,
)

SHUTDOWN = "!serverShutdown"  # of spot, since 2026-05: told on every connection, unasked
_NAME, _DATA = '{"stream":"', '","data":'
_NAME_AT = len(_NAME)
MICROSECONDS = 10**14  # a Unix time above this is in microseconds: timeUnit=MICROSECOND in the URL makes them so


class _Place(NamedTuple):
    """Where a message stands in its stream; `chain` as in `Kind`."""

    time: float | None
    key: Hashable
    chain: tuple[int, int] | None


class BinanceUpdate(Update):
    """Of a combined stream. What it says of itself is parsed when it is first asked for."""

    __slots__ = ("_place",)
    MARKET: ClassVar[Market]

    def __init__(self, stream: str | None, text: str | bytes) -> None:
        self.stream = stream  # not by the base: a call would cost a third more
        self.text = text
        self._place: _Place | None = None

    @property
    def data(self) -> str | bytes:
        text, stream = self.text, self.stream
        if stream is None:
            return text
        end_of_name = _NAME_AT + len(stream)
        if isinstance(text, str) and text.startswith(_NAME) and text.startswith(_DATA, end_of_name) and text[-1] == "}":
            return text[end_of_name + len(_DATA) : -1]
        return json.dumps(json_of(text)["data"], separators=(",", ":"), ensure_ascii=False)

    @property
    def event_time(self) -> float | None:
        return self._placed().time

    @property
    def key(self) -> Hashable:
        return self._placed().key

    def joins(self, previous: Update) -> bool | None:
        """By the service's rule for this kind of stream (`markets.py`). A number that did not grow tells nothing."""
        if not isinstance(previous, BinanceUpdate):
            return None
        earlier, chain = previous._placed().chain, self._placed().chain
        if earlier is None or chain is None or chain[1] <= earlier[1]:
            return None
        return chain[0] <= earlier[1]

    @property
    def sequence(self) -> tuple[int, int] | None:
        kind = self._kind
        if kind is None or kind.chain is None:  # that spares a parse
            return None
        chain = self._placed().chain
        return None if chain is None else (chain[0] + 1, chain[1])

    @property
    def _kind(self) -> Kind | None:
        return self.MARKET.kind(self.stream) if self.stream is not None else None

    def _placed(self) -> _Place:
        if self._place is None:
            self._place = _place_of(self._kind, self.data)
        return self._place

    @classmethod
    def model_reader(cls, stream: str) -> ModelReader:
        from holdfast.dialects.binance.typed import model_reader

        return model_reader(cls.MARKET, stream)


class SpotUpdate(BinanceUpdate):
    """Of `binance.spot`."""

    __slots__ = ()
    MARKET = SPOT


class UsdmUpdate(BinanceUpdate):
    """Of `binance.usdm`."""

    __slots__ = ()
    MARKET = USDM


def read(message: str | bytes, update: type[BinanceUpdate]) -> Reading:
    """What a message is. Raises nothing; what makes no sense is an Update of stream None."""
    if isinstance(message, str) and message.startswith(_NAME) and message[-1] == "}":
        end = message.find(_DATA, _NAME_AT)
        if end > 0:
            name = message[_NAME_AT:end]
            if name != SHUTDOWN and "\\" not in name:
                return update(name, message)
    try:
        parsed = json_of(message)
    except ValueError:
        return update(None, message)
    if not isinstance(parsed, dict):
        return update(None, message)
    told = cast("dict[str, Any]", parsed)
    stream = told.get("stream")
    if isinstance(stream, str) and "data" in told and stream != SHUTDOWN:
        return update(stream, message)
    return _control(told, message) or update(None, message)


def _control(told: dict[str, Any], message: str | bytes) -> Control | None:
    """Documented in "Live Subscribing/Unsubscribing to streams". Errors come flat, and (observed) within "error"."""
    if told.get("stream") == SHUTDOWN or told.get("e") == "serverShutdown":
        text = message if isinstance(message, str) else message.decode(errors="replace")
        return Notice(text, going_away=True)
    ident = told.get("id")
    request: int | None = ident if type(ident) is int else None
    if "result" in told:
        result: object = told["result"]
        if isinstance(result, list) and all(isinstance(name, str) for name in cast("list[object]", result)):
            return Listed(frozenset(cast("list[str]", result)), request)
        return Acknowledged(request) if result is None else None
    error: object = told.get("error", told)
    if isinstance(error, dict):
        refusal = cast("dict[str, object]", error)
        code, reason = refusal.get("code"), refusal.get("msg")
        if type(code) is int and isinstance(reason, str):
            return Refused(f"{reason} (code {code})", request)
    return None


def _place_of(kind: Kind | None, data: str | bytes) -> _Place:
    """What is not as documented has no time and no number, and its whole text for a key."""
    unknown = _Place(None, data, None)
    if kind is None:
        return unknown
    try:
        payload = _payload(kind, data)
        time = seconds(kind.time(payload)) if kind.time is not None else None
        key = kind.key(payload)
        hash(key)
        if kind.chain is None:
            return _Place(time, key, None)
        before, last = kind.chain(payload)
        return _Place(time, key, (before, last)) if type(before) is type(last) is int else unknown
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return unknown


def _payload(kind: Kind, data: str | bytes) -> Payload:
    """Of a book, only what stands before its levels; that spares most of the parse."""
    if kind.head is not None and isinstance(data, str) and (end := data.find(kind.head)) > 0:
        return json_of(data[:end] + "}")
    return json_of(data)


def seconds(time: float) -> float:
    """Of a time in milliseconds, or microseconds. Raises TypeError, or ValueError for what is no time."""
    if not isfinite(time):
        raise ValueError
    return time / 1e6 if time > MICROSECONDS else time / 1e3
