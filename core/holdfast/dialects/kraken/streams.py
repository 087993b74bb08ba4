"""Kraken's channels, as data: what their messages tell, and how long they may rest.

https://docs.kraken.com/api/docs/websocket-v2/, as of 2026-06, read 2026-11-21.
"""

from __future__ import annotations

from typing import Any

from holdfast.dialects.channels import Channel, ChannelUpdate, Message, unix_time
from holdfast.dialects.words import ModelReader, Patience

DEPTHS = (10, 25, 100, 500, 1000)
INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)  # minutes


def _last(message: Message) -> Any:
    return message["data"][-1]


def _fields(message: Message, *names: str) -> tuple[Any, ...]:
    return tuple([_last(message).get(name) for name in names])


_SNAPSHOT = Patience(first=15.0)  # it begins with one at once, also where nothing is traded; then it may rest for hours
_TRADE = Channel(
    key=lambda message: (message["data"][0]["trade_id"], _last(message)["trade_id"]),
    time=lambda message: unix_time(_last(message)["timestamp"]),
    # "A sequence number, unique per book".
    chain=lambda message: (message["data"][0]["trade_id"] - 1, _last(message)["trade_id"]),
)
_TICKER = Channel(
    key=lambda message: _fields(message, "timestamp", "bid", "bid_qty", "ask", "ask_qty", "volume"),
    time=lambda message: unix_time(_last(message)["timestamp"]),
    patience=_SNAPSHOT,
)
_BOOK = Channel(
    # It has no numbers, only the checksum. One timestamp may stand for several updates.
    key=lambda message: (message["type"], _last(message).get("timestamp"), _last(message)["checksum"]),
    time=lambda message: unix_time(_last(message)["timestamp"]),
    patience=_SNAPSHOT,
)
_OHLC = Channel(
    # The `timestamp` outside is that of sending.
    key=lambda message: (len(message["data"]), *_fields(message, "interval_begin", "trades", "volume")),
    time=lambda message: unix_time(message["timestamp"]),
    patience=_SNAPSHOT,
)
_INSTRUMENT = Channel(patience=_SNAPSHOT)

BOOKS = {f"book-{depth}": _BOOK for depth in DEPTHS}
# A name's place in here goes into the number of its requests, because a refusal says no channel. Append only.
CHANNELS: dict[str, Channel] = {
    "trade": _TRADE,
    "ticker": _TICKER,
    "ticker-bbo": _TICKER,
    "instrument": _INSTRUMENT,
    **BOOKS,
    **{f"ohlc-{interval}": _OHLC for interval in INTERVALS},
}
NAMES = tuple(CHANNELS)


class KrakenUpdate(ChannelUpdate):
    """`json()` is the list under `data`. `message["type"]` tells whether it is a `snapshot` or an `update`."""

    __slots__ = ()

    @classmethod
    def model_reader(cls, stream: str) -> ModelReader:
        from holdfast.dialects.kraken.typed import model_reader

        return model_reader(stream)
