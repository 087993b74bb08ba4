"""Messages of Kraken as the types that all services share. Needs msgspec.

Fields are named as the service names them; what is not used here is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.json import Decoder

from holdfast.dialects.channels import parted, unix_time
from holdfast.dialects.models import BookTicker, DepthUpdate, Kline, Level, MiniTicker, Model, Side, Trade
from holdfast.dialects.words import ModelReader, no_models


class _Item(Protocol):
    def models(self, snapshot: bool, /) -> Sequence[Model]: ...


_T = TypeVar("_T")


class _Message(Struct, Generic[_T]):
    type: str
    data: list[_T]


class _Trade(Struct):
    symbol: str
    side: Side
    price: Decimal
    qty: Decimal
    trade_id: int
    timestamp: str

    def models(self, _snapshot: bool, /) -> list[Model]:
        return [Trade(self.symbol, str(self.trade_id), self.price, self.qty, self.side, unix_time(self.timestamp))]


class _Ticker(Struct):
    symbol: str
    bid: Decimal
    bid_qty: Decimal
    ask: Decimal
    ask_qty: Decimal
    last: Decimal
    volume: Decimal
    low: Decimal
    high: Decimal
    change: Decimal
    timestamp: str | None = None

    def models(self, _snapshot: bool, /) -> list[Model]:
        time = unix_time(self.timestamp) if self.timestamp is not None else None
        best = BookTicker(self.symbol, self.bid, self.bid_qty, self.ask, self.ask_qty, time=time)
        opened = self.last - self.change
        return [best, MiniTicker(self.symbol, opened, self.high, self.low, self.last, self.volume, time=time)]


class _BookLevel(Struct):
    price: Decimal
    qty: Decimal


class _Book(Struct):
    symbol: str
    bids: list[_BookLevel]
    asks: list[_BookLevel]
    checksum: int
    timestamp: str | None = None

    def models(self, snapshot: bool, /) -> list[Model]:
        time = unix_time(self.timestamp) if self.timestamp is not None else None
        sides = _levels(self.bids), _levels(self.asks)
        return [DepthUpdate(self.symbol, *sides, snapshot, checksum=self.checksum, time=time)]


class _Candle(Struct):
    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    trades: int
    volume: Decimal
    interval_begin: str
    interval: int

    def models(self, _snapshot: bool, /) -> list[Model]:
        """Kraken never says that a candle is whole."""
        opened = unix_time(self.interval_begin)
        prices = self.open, self.high, self.low, self.close
        close_time = opened + self.interval * 60 - 0.001
        return [Kline(self.symbol, str(self.interval), opened, close_time, *prices, self.volume, trades=self.trades)]


_ITEMS: dict[str, type[_Item]] = {
    "trade": _Trade,
    "ticker": _Ticker,
    "book": _Book,
    "ohlc": _Candle,
}


def model_reader(stream: str) -> ModelReader:
    item = _ITEMS.get(parted(stream)[0].partition("-")[0])
    if item is None:
        return no_models
    decode = _decoder(item).decode

    def read(text: str | bytes) -> list[Model]:
        message = decode(text)
        snapshot = message.type == "snapshot"
        try:
            return [model for told in message.data for model in told.models(snapshot)]
        except (TypeError, ArithmeticError) as error:  # a time without a zone, a number out of all bounds
            raise ValueError(str(error)) from None

    return read


@cache
def _decoder(item: Any) -> Decoder[_Message[_Item]]:
    return Decoder(_Message[item])


def _levels(side: list[_BookLevel]) -> tuple[Level, ...]:
    return tuple([(level.price, level.qty) for level in side])
