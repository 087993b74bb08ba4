"""Payloads of Binance as the types that all services share. Needs msgspec.

Fields are named as the service names them; what is not used here is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from msgspec import Struct, defstruct
from msgspec.json import Decoder

from holdfast.dialects.binance.kinds import Market
from holdfast.dialects.binance.updates import MICROSECONDS
from holdfast.dialects.models import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    Kline,
    Level,
    MarkPrice,
    MiniTicker,
    Model,
    Trade,
)
from holdfast.dialects.words import ModelReader, no_models


class _Payload(Protocol):
    def models(self, symbol: str, /) -> list[Model]:
        """`symbol`: of the stream, for payloads that do not name it."""
        ...


class _Message(Protocol):
    """What stands around the payload, which may be several."""

    data: _Payload | list[_Payload]


class _Trade(Struct, gc=False):
    s: str
    t: int
    p: Decimal
    q: Decimal
    T: int
    m: bool  # the buyer was the maker, so the taker sold
    X: str | None = None

    def models(self, _symbol: str, /) -> list[Model]:
        if self.X == "NA":  # of futures (observed): a number that was spent without a trade
            return []
        return [Trade(self.s, str(self.t), self.p, self.q, "sell" if self.m else "buy", _seconds(self.T))]


class _AggTrade(Struct, gc=False):
    s: str
    a: int
    p: Decimal
    q: Decimal
    f: int
    l: int  # noqa: E741  # the service's name
    T: int
    m: bool

    def models(self, _symbol: str, /) -> list[Model]:
        return [
            AggTrade(
                self.s, str(self.a), self.p, self.q, "sell" if self.m else "buy", _seconds(self.T), self.f, self.l
            ),
        ]


class _Candle(Struct, gc=False):
    t: int
    T: int
    i: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741
    c: Decimal
    v: Decimal
    q: Decimal
    n: int
    x: bool


class _Kline(Struct, gc=False):
    k: _Candle
    s: str | None = None
    ps: str | None = None  # of a continuous contract, the pair

    def models(self, symbol: str, /) -> list[Model]:
        k = self.k
        times = _seconds(k.t), _seconds(k.T)
        return [Kline(self.s or self.ps or symbol, k.i, *times, k.o, k.h, k.l, k.c, k.v, k.q, k.n, k.x)]


class _BookTicker(Struct, gc=False):
    s: str
    u: int
    b: Decimal
    B: Decimal
    a: Decimal
    A: Decimal
    T: int | None = None

    def models(self, _symbol: str, /) -> list[Model]:
        return [BookTicker(self.s, self.b, self.B, self.a, self.A, self.u, _maybe_seconds(self.T))]


class _MiniTicker(Struct, gc=False):
    E: int
    s: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741
    c: Decimal
    v: Decimal
    q: Decimal

    def models(self, _symbol: str, /) -> list[Model]:
        return [MiniTicker(self.s, self.o, self.h, self.l, self.c, self.v, self.q, _seconds(self.E))]


class _MarkPrice(Struct, gc=False):
    E: int
    s: str
    p: Decimal
    i: Decimal | None = None
    r: str | None = None  # "" for contracts without funding
    T: int | None = None  # when funding is due

    def models(self, _symbol: str, /) -> list[Model]:
        rate = Decimal(self.r) if self.r else None
        return [MarkPrice(self.s, self.p, self.i, rate, _maybe_seconds(self.T or None), _seconds(self.E))]


class _Depth(Struct, gc=False):
    """Spot's changes, and all books of futures, which have the same fields."""

    s: str
    U: int
    u: int
    b: tuple[Level, ...]
    a: tuple[Level, ...]
    E: int
    T: int | None = None
    pu: int | None = None

    def models(self, _symbol: str, /) -> list[Model]:
        time = _seconds(self.E if self.T is None else self.T)
        return [DepthUpdate(self.s, self.b, self.a, False, self.U, self.u, self.pu, time=time)]


class _TopOfFutures(_Depth):
    """The best levels, all of them each time."""

    def models(self, _symbol: str, /) -> list[Model]:
        time = _seconds(self.E if self.T is None else self.T)
        return [DepthUpdate(self.s, self.b, self.a, True, last_id=self.u, time=time)]


class _TopOfSpot(Struct, gc=False):
    lastUpdateId: int  # noqa: N815
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def models(self, symbol: str, /) -> list[Model]:
        return [DepthUpdate(symbol, self.bids, self.asks, True, last_id=self.lastUpdateId)]


_PAYLOADS: dict[str, type[_Payload]] = {
    "trade": _Trade,
    "aggTrade": _AggTrade,
    "kline": _Kline,
    "bookTicker": _BookTicker,
    "miniTicker": _MiniTicker,
    "markPrice": _MarkPrice,
    "depth": _Depth,
    "futures top": _TopOfFutures,
    "spot top": _TopOfSpot,
}


def model_reader(market: Market, stream: str) -> ModelReader:
    kind = market.kind(stream)
    if kind is None or kind.payload is None:
        return no_models
    decode, symbol = _decoder(kind.payload), stream.partition("@")[0].upper()

    def read(text: str | bytes) -> list[Model]:
        payload = decode(text).data
        if isinstance(payload, list):
            return [model for one in payload for model in one.models(symbol)]
        return payload.models(symbol)

    return read


@cache
def _decoder(name: str) -> Callable[[str | bytes], _Message]:
    payload: Any = _PAYLOADS[name]
    message: Any = defstruct("Message", [("data", payload | list[payload])], gc=False)
    decoder: Decoder[Any] = Decoder(message)
    return decoder.decode


def _seconds(time: int) -> float:
    return time / 1e6 if time > MICROSECONDS else time / 1e3


def _maybe_seconds(time: int | None) -> float | None:
    return None if time is None else _seconds(time)
