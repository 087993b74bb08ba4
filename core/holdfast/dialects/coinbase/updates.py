"""Messages of Coinbase Advanced Trade: whose they are, what they tell, and their place on the connection.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels, read 2026-11-21, as of
2026-06.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from holdfast.dialects.channels import (
    Channel,
    ChannelUpdate,
    Message,
    as_object,
    parsed_or_none,
    text_in,
    unix_time,
    whole,
)
from holdfast.dialects.words import Heartbeat, Listed, ModelReader, Patience, Reading, Refused
from holdfast.records import dataclass

HEARTBEATS = "heartbeats"


# --- what messages tell


def _things(message: Message, field: str) -> list[Any]:
    """What stands under this field in all events. Raises LookupError if there is nothing."""
    things = [thing for event in message["events"] for thing in event[field]]
    if not things:
        raise LookupError(field)
    return things


def _trade_chain(message: Message) -> tuple[int, int]:
    """Of one product; the numbers of several say nothing together."""
    trades = _things(message, "trades")
    if len({trade["product_id"] for trade in trades}) > 1:
        raise ValueError("several products")
    numbers = [int(trade["trade_id"]) for trade in trades]
    return min(numbers) - 1, max(numbers)


def _trade_time(message: Message) -> float:
    """Of the newest: a snapshot begins with it, an update ends with it (observed)."""
    trades = _things(message, "trades")
    return max(unix_time(trades[0]["time"]), unix_time(trades[-1]["time"]))


def _sent(message: Message) -> float:
    return unix_time(message["timestamp"])


def _content(message: Message, field: str) -> tuple[tuple[Any, ...], ...]:
    """All that these say; the number and the time of the message are of one connection."""
    return tuple([tuple(thing.values()) for thing in _things(message, field)])


# Each channel begins with a snapshot at once, also where nothing is traded.
_SNAPSHOT = Patience(first=15.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A channel: the `name` to subscribe to; in its messages, the `field` of an event that lists what it tells (None if
    that is the event itself), and the field in there that names the product.
    """

    name: str
    field: str | None
    product: str
    channel: Channel


# By what messages say under `channel`.
KINDS = {
    "market_trades": Kind(
        "market_trades",
        "trades",
        "product_id",
        Channel(
            key=lambda message: tuple([(one["product_id"], one["trade_id"]) for one in _things(message, "trades")]),
            time=_trade_time,
            # Numbers without holes are what everybody sees; they stand in no document.
            chain=_trade_chain,
            proves=False,
            patience=_SNAPSHOT,
        ),
    ),
    "ticker": Kind(
        "ticker",
        "tickers",
        "product_id",
        Channel(key=lambda message: _content(message, "tickers"), time=_sent, patience=_SNAPSHOT),
    ),
    "ticker_batch": Kind(
        "ticker_batch",
        "tickers",
        "product_id",
        Channel(key=lambda message: _content(message, "tickers"), time=_sent, patience=_SNAPSHOT),
    ),
    "l2_data": Kind(
        "level2",
        None,
        "product_id",
        # A book has no number but that of the message, which is of one connection: no copy from another has this key.
        Channel(
            key=lambda message: (message["timestamp"], message["sequence_num"]),
            time=_sent,
            patience=_SNAPSHOT,
        ),
    ),
    "candles": Kind(
        "candles",
        "candles",
        "product_id",
        Channel(key=lambda message: _content(message, "candles"), time=_sent, patience=_SNAPSHOT),
    ),
    "status": Kind("status", "products", "id", Channel(time=_sent, patience=_SNAPSHOT)),
}
NAMES = {kind.name: kind for kind in KINDS.values()}
_MARKS = {name: f'"{kind.product}":"' for name, kind in NAMES.items()}  # what stands before a product


class CoinbaseUpdate(ChannelUpdate):
    """`json()` is the list under `events`; each has a `type`, `snapshot` or `update`."""

    __slots__ = ()
    PAYLOAD = "events"

    @property
    def position(self) -> int | None:
        """`sequence_num`: one count from 0 on each connection, of all its messages but errors (observed; the document
        tells of a count for each product).
        """
        number = _position(self.text)
        return whole(as_object(self.message).get("sequence_num")) if number is None else number

    @property
    def further_streams(self) -> tuple[str, ...]:
        text, stream = self.text, self.stream
        if stream is None:
            return ()
        name, _, product = stream.partition(":")
        mark = _MARKS[name]
        if isinstance(text, str) and text.count(mark) == text.count(f'{mark}{product}"') > 0:
            return ()
        return tuple(other for other in streams_of(as_object(self.message)) if other != stream)

    @classmethod
    def model_reader(cls, stream: str) -> ModelReader:
        from holdfast.dialects.coinbase.typed import model_reader

        return model_reader(stream.partition(":")[0])


# --- what a message is

_CHANNEL = '{"channel":"'
_NAME_AT, _NAME_TO = len(_CHANNEL), len(_CHANNEL) + 8  # no two channels begin alike in so many characters
_LONGEST_HEAD = 700  # of a status, with a product's fields before its name
# By the beginning of a channel: what stands before a product, how long that is, and the stream but for its product.
_HEADS = {
    f'{said}",'[: _NAME_TO - _NAME_AT]: (_MARKS[kind.name], len(_MARKS[kind.name]), f"{kind.name}:", kind.channel)
    for said, kind in KINDS.items()
}
_HEARTBEAT = f'{_CHANNEL}{HEARTBEATS}"'
_NUMBER = re.compile(r'"sequence_num": ?(\d{1,18})\b')


def read(message: str | bytes) -> Reading:
    """Raises nothing. By its first characters, where they are as ever."""
    if isinstance(message, str) and message.startswith(_CHANNEL):
        head = _HEADS.get(message[_NAME_AT:_NAME_TO])
        if head is not None:
            mark, size, prefix, channel = head
            at = message.find(mark, _NAME_TO, _LONGEST_HEAD) + size
            end = message.find('"', at)
            if size <= at < end and "\\" not in (product := message[at:end]):
                return CoinbaseUpdate(prefix + product, message, channel)
        elif message.startswith(_HEARTBEAT) and (position := _position(message)) is not None:
            return Heartbeat(position)
    return _make_sense_of(message)


def streams_of(message: dict[str, Any]) -> list[str]:
    """The streams that a parsed message brings data of, each once."""
    channel = message.get("channel")
    kind = KINDS.get(channel) if isinstance(channel, str) else None
    if kind is None:
        return []
    found: dict[str, None] = {}
    for event in _objects(message.get("events")):
        for thing in [event] if kind.field is None else _objects(event.get(kind.field)):
            if product := text_in(thing.get(kind.product)):
                found[f"{kind.name}:{product}"] = None
    return list(found)


def _make_sense_of(message: str | bytes) -> Reading:
    parsed = as_object(parsed_or_none(message))
    channel, position = parsed.get("channel"), whole(parsed.get("sequence_num"))
    if channel == HEARTBEATS:
        return Heartbeat(position)
    if channel == "subscriptions":
        return Listed(frozenset(_subscribed(parsed)), position=position)
    if parsed.get("type") == "error":
        return Refused(str(parsed.get("message", "no reason given")))
    streams = streams_of(parsed)
    if not streams:
        return CoinbaseUpdate(None, message)
    return CoinbaseUpdate(streams[0], message, KINDS[parsed["channel"]].channel)


def _subscribed(message: dict[str, Any]) -> Iterator[str]:
    """An acknowledgement lists all that the connection has now."""
    for event in _objects(message.get("events")):
        for name, products in as_object(event.get("subscriptions")).items():
            if name == HEARTBEATS:
                yield HEARTBEATS  # its list says no more
            elif name in NAMES and isinstance(products, list):
                yield from (f"{name}:{one}" for one in cast("list[object]", products) if isinstance(one, str))


def _position(text: str | bytes) -> int | None:
    match = _NUMBER.search(text, 0, 300) if isinstance(text, str) else None
    return int(match[1]) if match is not None else None


def _objects(value: object) -> list[dict[str, Any]]:
    return [as_object(item) for item in cast("list[object]", value)] if isinstance(value, list) else []
