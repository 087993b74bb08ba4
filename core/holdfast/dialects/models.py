"""What messages of all services say, in one set of types: made by `update.typed()`, with `holdfast[exchanges]`.

Prices and sizes are `Decimal`, exactly as the service wrote them. Times are Unix seconds. Ids are text, because some
services number with more than digits. A field is None where the service does not tell.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

Side = Literal["buy", "sell"]
Level = tuple[Decimal, Decimal]
"""Price and size. Of an update: the size that is now at this price, 0 for none."""


class Trade(Struct, frozen=True, gc=False):
    """One trade. `side` is what the taker did: `sell` hit a bid. `time`: when it was made."""

    symbol: str
    id: str
    price: Decimal
    size: Decimal
    side: Side
    time: float


class AggTrade(Struct, frozen=True, gc=False):
    """All fills of one taker order at one price. `first_id` and `last_id`: of the trades that it is made of."""

    symbol: str
    id: str
    price: Decimal
    size: Decimal
    side: Side
    time: float
    first_id: int
    last_id: int


class Kline(Struct, frozen=True, gc=False):
    """One candle as it stands. `interval` as the service writes it. `close_time`: the last moment that belongs to it.

    `volume` in the base asset, `quote_volume` in the quote asset. `closed`: it will not change any more; None where
    the service does not say so.
    """

    symbol: str
    interval: str
    open_time: float
    close_time: float
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal | None = None
    trades: int | None = None
    closed: bool | None = None


class BookTicker(Struct, frozen=True, gc=False):
    """The best bid and ask. `id`: of this state of the book."""

    symbol: str
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal
    id: int | None = None
    time: float | None = None


class MiniTicker(Struct, frozen=True, gc=False):
    """The last 24 hours, rolling: `close` is the last price."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal | None = None
    time: float | None = None


class MarkPrice(Struct, frozen=True, gc=False):
    """What a future is valued at. `funding_rate` as a fraction of the position, due at `funding_time`."""

    symbol: str
    mark: Decimal
    index: Decimal | None = None
    funding_rate: Decimal | None = None
    funding_time: float | None = None
    time: float | None = None


class FundingRate(Struct, frozen=True, gc=False):
    """What holders of a perpetual future pay each other at `funding_time`: a fraction of the position, as it stands."""

    symbol: str
    rate: Decimal
    funding_time: float
    time: float | None = None


class DepthUpdate(Struct, frozen=True, gc=False):
    """Changes of a book, or with `snapshot` all of it, to the depth that was asked for.

    `last_id` is the state of the book after it. It continues the state `previous_id` where the service names that, or
    the one before `first_id`. `checksum`: of the book after it, by the service's own rule.
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    snapshot: bool
    first_id: int | None = None
    last_id: int | None = None
    previous_id: int | None = None
    checksum: int | None = None
    time: float | None = None


Model = Trade | AggTrade | Kline | BookTicker | MiniTicker | MarkPrice | FundingRate | DepthUpdate
