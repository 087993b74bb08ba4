"""Messages of Bybit v5 as the types that all services share. Needs msgspec.

Fields are named as the service names them; what is not used here is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Protocol

from msgspec import Struct
from msgspec.json import Decoder

from holdfast.dialects.models import BookTicker, DepthUpdate, Kline, Level, MarkPrice, MiniTicker, Model, Trade
from holdfast.dialects.words import ModelReader, no_models


class _Message(Protocol):
    def models(self, topic: str, inverse: bool, /) -> Sequence[Model]: ...


class _Trade(Struct):
    T: int
    s: str
    S: Literal["Buy", "Sell"]  # of the taker
    v: Decimal
    p: Decimal
    i: str

    def model(self) -> Trade:
        return Trade(self.s, self.i, self.p, self.v, "buy" if self.S == "Buy" else "sell", self.T / 1000)


class _Trades(Struct):
    data: list[_Trade]

    def models(self, _topic: str, _inverse: bool, /) -> list[Trade]:
        return [trade.model() for trade in self.data]


class _Levels(Struct):
    s: str
    b: tuple[Level, ...]
    a: tuple[Level, ...]
    u: int


class _Book(Struct):
    type: Literal["snapshot", "delta"]
    ts: int
    data: _Levels
    cts: int | None = None

    def models(self, _topic: str, _inverse: bool, /) -> list[DepthUpdate]:
        book = self.data
        snapshot = self.type == "snapshot"
        # A number of 1 follows on nothing: the service began to count anew.
        first = None if snapshot or book.u == 1 else book.u
        time = (self.ts if self.cts is None else self.cts) / 1000
        return [DepthUpdate(book.s, book.b, book.a, snapshot, first_id=first, last_id=book.u, time=time)]


class _Candle(Struct):
    start: int
    end: int
    interval: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal
    confirm: bool

    def model(self, symbol: str, inverse: bool) -> Kline:
        base, quote = (self.turnover, self.volume) if inverse else (self.volume, self.turnover)
        prices = self.open, self.high, self.low, self.close
        times = self.start / 1000, self.end / 1000
        return Kline(symbol, self.interval, *times, *prices, base, quote, closed=self.confirm)


class _Klines(Struct):
    data: list[_Candle]

    def models(self, topic: str, inverse: bool, /) -> list[Kline]:
        symbol = topic.rpartition(".")[2]
        return [candle.model(symbol, inverse) for candle in self.data]


def _as_bybit_writes(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class _Prices(Struct, rename=_as_bybit_writes):
    """What is left out did not change; what does not apply is empty. Options name the best prices without the 1."""

    symbol: str
    last_price: str = ""
    prev_price24h: str = ""
    high_price24h: str = ""
    low_price24h: str = ""
    volume24h: str = ""
    turnover24h: str = ""
    bid1_price: str = ""
    bid1_size: str = ""
    ask1_price: str = ""
    ask1_size: str = ""
    bid_price: str = ""
    bid_size: str = ""
    ask_price: str = ""
    ask_size: str = ""
    mark_price: str = ""
    index_price: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""

    def day(self, time: float, inverse: bool) -> MiniTicker | None:
        ends, range_ = _pair(self.prev_price24h, self.last_price), _pair(self.high_price24h, self.low_price24h)
        volumes = _pair(self.turnover24h, self.volume24h) if inverse else _pair(self.volume24h, self.turnover24h)
        if ends is None or range_ is None or volumes is None:
            return None
        return MiniTicker(self.symbol, ends[0], *range_, ends[1], *volumes, time)

    def best(self, time: float) -> BookTicker | None:
        bid = _pair(self.bid1_price or self.bid_price, self.bid1_size or self.bid_size)
        ask = _pair(self.ask1_price or self.ask_price, self.ask1_size or self.ask_size)
        return None if bid is None or ask is None else BookTicker(self.symbol, *bid, *ask, time=time)

    def mark(self, time: float) -> MarkPrice | None:
        if not self.mark_price:
            return None
        index, rate = (_decimal(text) if text else None for text in (self.index_price, self.funding_rate))
        due = int(self.next_funding_time) / 1000 if self.next_funding_time else None
        return MarkPrice(self.symbol, _decimal(self.mark_price), index, rate, due, time)


class _Ticker(Struct):
    """A model is made of what a message tells all of."""

    ts: int
    data: _Prices

    def models(self, _topic: str, inverse: bool, /) -> list[Model]:
        told, time = self.data, self.ts / 1000
        found = told.day(time, inverse), told.best(time), told.mark(time)
        return [model for model in found if model is not None]


_MESSAGES: dict[str, type[_Message]] = {
    "publicTrade": _Trades,
    "orderbook": _Book,
    "kline": _Klines,
    "tickers": _Ticker,
}
_WITHOUT_MODEL = "orderbook.rpi."  # its levels have two sizes


def model_reader(topic: str, *, inverse: bool) -> ModelReader:
    kind = topic.partition(".")[0]
    if kind not in _MESSAGES or topic.startswith(_WITHOUT_MODEL):
        return no_models
    decode = _decoder(kind).decode
    return lambda text: list(decode(text).models(topic, inverse))


@cache
def _decoder(kind: str) -> Decoder[_Message]:
    message: Any = _MESSAGES[kind]
    return Decoder(message)


def _pair(first: str, second: str) -> tuple[Decimal, Decimal] | None:
    """None unless both are told."""
    return (_decimal(first), _decimal(second)) if first and second else None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no number") from None
