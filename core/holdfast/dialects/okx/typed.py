"""Messages of OKX as the types that all services share. Needs msgspec.

Fields are named as the service names them; what is not used here is skipped. Of derivatives, sizes of trades and books
are contracts, as OKX tells them; volumes are always of the base asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.json import Decoder

from holdfast.dialects.channels import parted
from holdfast.dialects.models import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    FundingRate,
    Kline,
    Level,
    MarkPrice,
    MiniTicker,
    Model,
    Side,
    Trade,
)
from holdfast.dialects.okx.streams import BARS
from holdfast.dialects.words import ModelReader, no_models

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1, "m": 60, "H": 3600, "D": 86_400, "W": 604_800}
_EAST = timedelta(hours=8)  # where days begin, unless a bar says `utc`


class _Item(Protocol):
    def models(self, symbol: str, channel: str, snapshot: bool, /) -> Sequence[Model]: ...


_T = TypeVar("_T")


class _Message(Struct, Generic[_T]):
    data: list[_T]
    action: str = "snapshot"


class _Trade(Struct):
    tradeId: int  # noqa: N815
    px: Decimal
    sz: Decimal
    side: Side
    ts: int
    count: int = 1

    def models(self, symbol: str, channel: str, _snapshot: bool, /) -> list[Model]:
        """That the trades put together have the ids up to the last one is what one sees, and stands in no document."""
        time, last = self.ts / 1000, self.tradeId
        if channel == "trades-all":
            return [Trade(symbol, str(last), self.px, self.sz, self.side, time)]
        return [AggTrade(symbol, str(last), self.px, self.sz, self.side, time, last - self.count + 1, last)]


class _Ticker(Struct):
    instType: str  # noqa: N815
    last: str
    askPx: str  # noqa: N815  # empty, like the others, where there is none
    askSz: str  # noqa: N815
    bidPx: str  # noqa: N815
    bidSz: str  # noqa: N815
    open24h: str
    high24h: str
    low24h: str
    volCcy24h: Decimal  # noqa: N815
    vol24h: Decimal
    ts: int

    def models(self, symbol: str, _channel: str, _snapshot: bool, /) -> list[Model]:
        time = self.ts / 1000
        models: list[Model] = []
        if self.bidPx and self.askPx:
            bid, bid_size, ask, ask_size = map(Decimal, (self.bidPx, self.bidSz, self.askPx, self.askSz))
            models.append(BookTicker(symbol, bid, bid_size, ask, ask_size, time=time))
        if self.last and self.open24h:
            spot = self.instType in ("SPOT", "MARGIN")
            volume, quote = (self.vol24h, self.volCcy24h) if spot else (self.volCcy24h, None)
            opened, high, low, last = map(Decimal, (self.open24h, self.high24h, self.low24h, self.last))
            models.append(MiniTicker(symbol, opened, high, low, last, volume, quote, time))
        return models


class _Book(Struct):
    asks: list[tuple[Decimal, Decimal, Any, Any]]
    bids: list[tuple[Decimal, Decimal, Any, Any]]
    ts: int
    seqId: int  # noqa: N815
    prevSeqId: int = -1  # noqa: N815

    def models(self, symbol: str, channel: str, snapshot: bool, /) -> list[Model]:
        time, number = self.ts / 1000, self.seqId
        if channel == "bbo-tbt":
            if not (self.bids and self.asks):
                return []
            return [BookTicker(symbol, *self.bids[0][:2], *self.asks[0][:2], number, time)]
        previous = self.prevSeqId if self.prevSeqId >= 0 else None
        sides = _levels(self.bids), _levels(self.asks)
        return [DepthUpdate(symbol, *sides, snapshot, last_id=number, previous_id=previous, time=time)]


class _MarkPrice(Struct):
    markPx: Decimal  # noqa: N815
    ts: int

    def models(self, symbol: str, _channel: str, _snapshot: bool, /) -> list[Model]:
        return [MarkPrice(symbol, self.markPx, time=self.ts / 1000)]


class _FundingRate(Struct):
    fundingRate: Decimal  # noqa: N815
    fundingTime: int  # noqa: N815
    ts: int

    def models(self, symbol: str, _channel: str, _snapshot: bool, /) -> list[Model]:
        return [FundingRate(symbol, self.fundingRate, self.fundingTime / 1000, self.ts / 1000)]


_ITEMS: dict[str, type[_Item]] = {
    "trades": _Trade,
    "trades-all": _Trade,
    "tickers": _Ticker,
    "books": _Book,
    "books5": _Book,
    "books-elp": _Book,
    "bbo-tbt": _Book,
    "mark-price": _MarkPrice,
    "funding-rate": _FundingRate,
}
_BARS = {f"candle{bar}": bar for bar in BARS}
_Row = list[str]  # opened, open, high, low, close, volume, volume of the currency, of the quote, whether it is whole


def model_reader(stream: str) -> ModelReader:
    channel, symbol = parted(stream)
    if (bar := _BARS.get(channel)) is not None:
        return _legible(lambda text: [_kline(symbol, bar, row) for row in _rows().decode(text).data])
    item = _ITEMS.get(channel)
    if item is None:
        return no_models
    decode = _decoder(item).decode

    def read(text: str | bytes) -> list[Model]:
        message = decode(text)
        snapshot = message.action == "snapshot"
        return [model for told in message.data for model in told.models(symbol, channel, snapshot)]

    return _legible(read)


def _legible(read: ModelReader) -> ModelReader:
    def checked(text: str | bytes) -> list[Model]:
        try:
            return read(text)
        except ArithmeticError as error:
            raise ValueError(f"a number that is none: {error!r}") from None

    return checked


@cache
def _decoder(item: Any) -> Decoder[_Message[_Item]]:
    return Decoder(_Message[item], strict=False)  # numbers are text


@cache
def _rows() -> Decoder[_Message[_Row]]:
    return Decoder(_Message[_Row])


def _kline(symbol: str, bar: str, row: _Row) -> Kline:
    if len(row) < 9:
        raise ValueError(f"a candle of {len(row)} fields")
    opened = int(row[0]) / 1000
    close_time = _end_of_bar(opened, bar) - 0.001
    first, high, low, last, volume, currency, quote = map(Decimal, row[1:8])
    base = volume if symbol.count("-") == 1 else currency  # of derivatives, the volume is contracts
    return Kline(symbol, bar, opened, close_time, first, high, low, last, base, quote, closed=row[8] == "1")


def _end_of_bar(opened: float, bar: str) -> float:
    """When the next one opens, Unix seconds."""
    name = bar.removesuffix("utc")
    number, unit = int(name[:-1]), name[-1]
    if unit != "M":
        return opened + number * _UNITS[unit]
    east = timedelta() if bar.endswith("utc") else _EAST
    began = _EPOCH + timedelta(seconds=opened) + east
    years, month = divmod(began.month - 1 + number, 12)
    return (began.replace(year=began.year + years, month=month + 1, day=1) - east - _EPOCH).total_seconds()


def _levels(side: list[tuple[Decimal, Decimal, Any, Any]]) -> tuple[Level, ...]:
    return tuple([level[:2] for level in side])
