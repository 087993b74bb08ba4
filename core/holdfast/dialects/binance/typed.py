"""Payloads of Binance as the types that all services share. Needs msgspec.

Fields are named as the service names them; what is not used here is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Protocol

from msgspec import Struct
from msgspec.json import Decoder

from holdfast.dialects.binance.kinds import Market
from holdfast.dialects.binance.updates import seconds
from holdfast.dialects.models import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    Kline,
    Level,
    MarkPrice,
    MiniTicker,
    Model,
    Side,
    Trade,
)


class _Payload(Protocol):
    def models(self, symbol: str, /) -> Sequence[Model]:
        """`symbol`: of the stream, for payloads that do not name it."""
        ...


class _Trade(Struct):
    s: str
    t: int
    p: Decimal
    q: Decimal
    T: int
    m: bool  # the buyer was the maker, so the taker sold
    X: str | None = None

    def models(self, _symbol: str, /) -> list[Trade]:
        if self.X == "NA":  # of futures (observed): a number that was spent without a trade
            return []
        return [Trade(self.s, str(self.t), self.p, self.q, _side(self.m), seconds(self.T))]


class _AggTrade(Struct):
    s: str
    a: int
    p: Decimal
    q: Decimal
    f: int
    l: int  # noqa: E741  # the service's name
    T: int
    m: bool

    def models(self, _symbol: str, /) -> list[AggTrade]:
        return [
            AggTrade(self.s, str(self.a), self.p, self.q, _side(self.m), seconds(self.T), self.f, self.l),
        ]


class _Candle(Struct):
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


class _Kline(Struct):
    k: _Candle
    s: str | None = None
    ps: str | None = None  # of a continuous contract, the pair

    def models(self, symbol: str, /) -> list[Kline]:
        k = self.k
        times = seconds(k.t), seconds(k.T)
        return [Kline(self.s or self.ps or symbol, k.i, *times, k.o, k.h, k.l, k.c, k.v, k.q, k.n, k.x)]


class _BookTicker(Struct):
    s: str
    u: int
    b: Decimal
    B: Decimal
    a: Decimal
    A: Decimal
    T: int | None = None

    def models(self, _symbol: str, /) -> list[BookTicker]:
        return [BookTicker(self.s, self.b, self.B, self.a, self.A, self.u, _maybe_seconds(self.T))]


class _MiniTicker(Struct):
    E: int
    s: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741
    c: Decimal
    v: Decimal
    q: Decimal

    def models(self, _symbol: str, /) -> list[MiniTicker]:
        return [MiniTicker(self.s, self.o, self.h, self.l, self.c, self.v, self.q, seconds(self.E))]


class _MarkPrice(Struct):
    E: int
    s: str
    p: Decimal
    i: Decimal | None = None
    r: str | None = None  # "" for contracts without funding
    T: int | None = None  # when funding is due

    def models(self, _symbol: str, /) -> list[MarkPrice]:
        rate = Decimal(self.r) if self.r else None
        return [MarkPrice(self.s, self.p, self.i, rate, _maybe_seconds(self.T or None), seconds(self.E))]


class _Depth(Struct):
    """Spot's changes, and all books of futures, which have the same fields."""

    s: str
    U: int
    u: int
    b: tuple[Level, ...]
    a: tuple[Level, ...]
    E: int
    T: int | None = None
    pu: int | None = None

    def models(self, _symbol: str, /) -> list[DepthUpdate]:
        time = seconds(self.E if self.T is None else self.T)
        return [DepthUpdate(self.s, self.b, self.a, False, self.U, self.u, self.pu, time=time)]


class _TopOfFutures(_Depth):
    """The best levels, all of them each time."""

    def models(self, _symbol: str, /) -> list[DepthUpdate]:
        time = seconds(self.E if self.T is None else self.T)
        return [DepthUpdate(self.s, self.b, self.a, True, last_id=self.u, time=time)]


class _TopOfSpot(Struct):
    lastUpdateId: int  # noqa: N815
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def models(self, symbol: str, /) -> list[DepthUpdate]:
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


def models_of(market: Market, stream: str, data: str | bytes) -> list[Model]:
    """Raises ValueError for a payload that is not as documented."""
    way = _way(market, stream)
    if way is None:
        return []
    many, one, symbol = way
    if data[:1] in ("[", b"["):
        return [model for payload in many.decode(data) for model in payload.models(symbol)]
    return [*one.decode(data).models(symbol)]


@lru_cache(maxsize=8192)
def _way(market: Market, stream: str) -> tuple[Decoder[list[_Payload]], Decoder[_Payload], str] | None:
    """How payloads of a stream are decoded, and the symbol of its name; None where no model describes them."""
    kind = market.kind(stream)
    if kind is None or kind.payload is None:
        return None
    return *_decoders(kind.payload), stream.partition("@")[0].upper()


@cache
def _decoders(name: str) -> tuple[Decoder[list[_Payload]], Decoder[_Payload]]:
    payload: Any = _PAYLOADS[name]
    return Decoder(list[payload]), Decoder(payload)


def _side(buyer_is_maker: bool) -> Side:
    return "sell" if buyer_is_maker else "buy"


def _maybe_seconds(time: int | None) -> float | None:
    return None if time is None else seconds(time)
