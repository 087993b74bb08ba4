"""Messages of Coinbase Advanced Trade as the types that all services share. Needs msgspec.

Fields are named as the service names them; what is not used here is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Protocol

from msgspec import Struct
from msgspec.json import Decoder

from holdfast.dialects.channels import unix_time
from holdfast.dialects.models import BookTicker, DepthUpdate, Kline, Level, Model, Side, Trade
from holdfast.dialects.words import ModelReader, no_models

_CANDLE = 300.0  # seconds; the channel has no other
_MILLISECOND = 0.001


class _Message(Protocol):
    def models(self) -> Sequence[Model]: ...


class _Trade(Struct):
    trade_id: str
    product_id: str
    price: Decimal
    size: Decimal
    side: Literal["BUY", "SELL"]
    time: str

    def model(self) -> Trade:
        # The service tells what the maker did; a model tells what the taker did.
        side: Side = "sell" if self.side == "BUY" else "buy"
        return Trade(self.product_id, self.trade_id, self.price, self.size, side, _seconds(self.time))


class _TradesEvent(Struct):
    trades: list[_Trade]


class _Trades(Struct):
    events: list[_TradesEvent]

    def models(self) -> list[Trade]:
        return [trade.model() for event in self.events for trade in event.trades]


class _Ticker(Struct):
    """The four are left out or empty where there is no order on a side, and in a `ticker_batch`."""

    product_id: str
    best_bid: str = ""
    best_bid_quantity: str = ""
    best_ask: str = ""
    best_ask_quantity: str = ""


class _TickersEvent(Struct):
    tickers: list[_Ticker]


class _Tickers(Struct):
    timestamp: str
    events: list[_TickersEvent]

    def models(self) -> list[BookTicker]:
        time = _seconds(self.timestamp)
        found: list[BookTicker] = []
        for one in [one for event in self.events for one in event.tickers]:
            if one.best_bid and one.best_bid_quantity and one.best_ask and one.best_ask_quantity:
                bid = _decimal(one.best_bid), _decimal(one.best_bid_quantity)
                ask = _decimal(one.best_ask), _decimal(one.best_ask_quantity)
                found.append(BookTicker(one.product_id, *bid, *ask, time=time))
        return found


class _LevelUpdate(Struct):
    side: Literal["bid", "offer"]
    price_level: Decimal
    new_quantity: Decimal


class _BookEvent(Struct):
    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[_LevelUpdate]

    def model(self, time: float) -> DepthUpdate:
        sides: dict[str, list[Level]] = {"bid": [], "offer": []}
        for update in self.updates:
            sides[update.side].append((update.price_level, update.new_quantity))
        snapshot = self.type == "snapshot"
        return DepthUpdate(self.product_id, tuple(sides["bid"]), tuple(sides["offer"]), snapshot, time=time)


class _Book(Struct):
    timestamp: str
    events: list[_BookEvent]

    def models(self) -> list[DepthUpdate]:
        time = _seconds(self.timestamp)
        return [event.model(time) for event in self.events]


class _Candle(Struct):
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    product_id: str

    def model(self) -> Kline:
        begin = float(int(self.start))
        prices = self.open, self.high, self.low, self.close
        return Kline(self.product_id, "FIVE_MINUTE", begin, begin + _CANDLE - _MILLISECOND, *prices, self.volume)


class _CandlesEvent(Struct):
    candles: list[_Candle]


class _Candles(Struct):
    events: list[_CandlesEvent]

    def models(self) -> list[Kline]:
        return [candle.model() for event in self.events for candle in event.candles]


_MESSAGES: dict[str, type[_Message]] = {
    "market_trades": _Trades,
    "ticker": _Tickers,
    "ticker_batch": _Tickers,
    "level2": _Book,
    "candles": _Candles,
}


def model_reader(channel: str) -> ModelReader:
    """`channel` as it is subscribed to."""
    if channel not in _MESSAGES:
        return no_models
    decode = _decoder(channel).decode
    return lambda text: list(decode(text).models())


@cache
def _decoder(channel: str) -> Decoder[_Message]:
    message: Any = _MESSAGES[channel]
    return Decoder(message)


def _seconds(time: str) -> float:
    try:
        return unix_time(time)
    except TypeError:
        raise ValueError(f"{time!r} has no zone") from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no number") from None
