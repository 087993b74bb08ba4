"""Which topics Bybit v5 has in each category, and what their messages tell.

https://bybit-exchange.github.io/docs/v5/websocket/public/ (a page for each), read 2026-11-21, as of 2026-07. What is
marked "measured" was seen by clients that compared two connections, in 2026-09.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from holdfast.dialects.channels import UNKNOWN, Channel, Message
from holdfast.dialects.words import Patience
from holdfast.records import dataclass

Category = Literal["spot", "linear", "inverse", "option"]
INTERVALS = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")

# --- what messages tell


def _book_chain(message: Message) -> tuple[int | None, int]:
    """`u` is consecutive; 1 is a snapshot after the service began anew, or a signal to fetch one."""
    number: int = message["data"]["u"]
    return None if message["type"] == "snapshot" or number == 1 else number - 1, number


def _book_key(message: Message) -> tuple[Any, ...]:
    return message["type"], message["data"]["u"], message["data"]["seq"]


def _made(message: Message) -> float:
    """When the matching engine made it, or where that is not told, when it was sent."""
    return float(message.get("cts", message["ts"]) / 1000)


def _sent(message: Message) -> float:
    return float(message["ts"] / 1000)


def _newest(message: Message) -> float:
    return float(message["data"][-1]["T"] / 1000)


def _content(message: Message) -> tuple[tuple[Any, ...], ...]:
    return tuple([tuple(thing.values()) for thing in message["data"]])


# "Once you have subscribed successfully, you will receive a snapshot": measured, 172 of them within 1.2 s.
_SNAPSHOT = Patience(first=15.0)
# That `u` has no hole is documented for orderbook.full; measured for 50 and 200 levels: none in 55,901 updates.
_BOOK = Channel(key=_book_key, time=_made, chain=_book_chain, patience=_SNAPSHOT)
# All of it each time.
_BEST = Channel(key=_book_key, time=_made, patience=_SNAPSHOT)
# "If 3 seconds have elapsed without a change, a snapshot message will be pushed again", with the same numbers.
_BEST_OF_CONTRACTS = replace(_BEST, patience=Patience(first=15.0, silence=15.0))
_FULL_BOOK = replace(_BOOK, patience=Patience())  # begins with the next change
_OPTION_BOOK = replace(_BOOK, proves=False)  # nobody measured it
_TRADES = Channel(
    # The cross sequence has holes, and messages share it: no loss can be proven.
    key=lambda message: tuple([trade["i"] for trade in message["data"]]),
    time=_newest,
)
_TICKER = Channel(key=lambda message: (message["cs"], message["ts"]), time=_sent, patience=_SNAPSHOT)
_OPTION_TICKER = Channel(key=lambda message: message["id"], time=_sent, patience=_SNAPSHOT)
_KLINE = Channel(
    key=lambda message: (message["data"][0]["start"], message["data"][-1]["confirm"], message["ts"]),
    time=_sent,
    patience=Patience(first=180.0, silence=180.0),  # "push frequency: 1-60s"
)
_LIQUIDATION = Channel(key=_content, time=_newest)  # hours may pass
_OTHER = Channel(time=_sent)


# --- what there is


@dataclass(frozen=True, slots=True)
class Topic:
    """`parameters`: those that stand before the symbol, each with what it tells; none for a topic without.
    `instruments`: what it can be asked for, None for any symbol.
    """

    channel: Channel = UNKNOWN
    parameters: Mapping[str, Channel] | None = None
    instruments: tuple[str, ...] | None = None


def _books(best: Channel) -> Topic:
    return Topic(
        parameters={"1": best, "50": _BOOK, "200": _BOOK, "1000": _BOOK, "rpi": _BOOK, "full": _FULL_BOOK},
    )


def _pools(*coins: str) -> dict[str, Topic]:
    return {"insurance": Topic(_OTHER, instruments=coins), "adlAlert": Topic(_OTHER, instruments=coins)}


_EVERYWHERE = {
    "publicTrade": Topic(_TRADES),
    "kline": Topic(parameters=dict.fromkeys(INTERVALS, _KLINE)),
    "tickers": Topic(_TICKER),
    "priceLimit": Topic(_OTHER),
}
_OF_CONTRACTS = {**_EVERYWHERE, "orderbook": _books(_BEST_OF_CONTRACTS), "allLiquidation": Topic(_LIQUIDATION)}

TOPICS: dict[Category, dict[str, Topic]] = {
    "spot": {**_EVERYWHERE, "orderbook": _books(_BEST)},
    "linear": {**_OF_CONTRACTS, **_pools("USDT", "USDC")},
    "inverse": {**_OF_CONTRACTS, **_pools("inverse")},
    "option": {
        "publicTrade": Topic(_TRADES),  # by base coin
        "orderbook": Topic(parameters={"25": _OPTION_BOOK, "100": _OPTION_BOOK}),
        "tickers": Topic(_OPTION_TICKER),
    },
}


def channel_for(category: Category, name: str) -> Channel:
    """Of a topic; `UNKNOWN` for what is none."""
    kind, _, rest = name.partition(".")
    topic = TOPICS[category].get(kind)
    if topic is None:
        return UNKNOWN
    if topic.parameters is None:
        return topic.channel
    return topic.parameters.get(rest.partition(".")[0], UNKNOWN)
