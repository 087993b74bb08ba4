"""OKX's channels, as data: what they are asked for with, what their numbers mean, how long they may rest.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data and `#public-data-websocket`, as of 2026-06, read
2026-11-21.
"""

from __future__ import annotations

import re
from typing import Any

from holdfast.dialects.channels import Channel, Message, channel_of, parted, text_in
from holdfast.dialects.words import Patience
from holdfast.errors import ConfigError

# `1m` is a minute and `1M` a month. Without `utc`, days begin at 16:00 UTC.
BARS = (
    *("1s", "1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H", "6H", "12H", "1D", "2D", "3D", "5D", "1W", "1M", "3M"),
    *("6Hutc", "12Hutc", "1Dutc", "2Dutc", "3Dutc", "5Dutc", "1Wutc", "1Mutc", "3Mutc"),
)

# What messages tell


def _time(message: Message) -> float:
    return int(message["data"][-1]["ts"]) / 1000


def _at(message: Message) -> tuple[Any, ...]:
    """Of channels that are sampled: when is which."""
    return len(message["data"]), message["data"][-1]["ts"]


def _numbered(message: Message) -> tuple[Any, ...]:
    """All connections get the same numbers: "The set of sequence ID received by users is the same" (the document)."""
    last = message["data"][-1]
    return message.get("action"), last.get("prevSeqId"), last["seqId"]


def _linked(message: Message) -> tuple[int | None, int]:
    """`prevSeqId` is the `seqId` of the message before; of a snapshot it is -1. Numbers have holes, and after
    maintenance they may begin anew with a smaller one.
    """
    first, last = message["data"][0], message["data"][-1]
    return None if first["prevSeqId"] < 0 else first["prevSeqId"], last["seqId"]


def _aggregated(message: Message) -> tuple[int, int]:
    """`tradeId` is the last of the `count` trades that are told of as one."""
    first, last = message["data"][0], message["data"][-1]
    return int(first["tradeId"]) - int(first.get("count", "1")), int(last["tradeId"])


def _by_trade(message: Message) -> tuple[Any, ...]:
    return message["data"][0]["tradeId"], message["data"][-1]["tradeId"]


_FIRST = 15.0  # seconds for what comes at once, whether or not anything happens
# That trade ids have no holes is what one sees, and stands in no document.
_TRADES = Channel(key=_by_trade, time=_time, chain=_aggregated, proves=False)
_SAMPLED = Channel(key=_at, time=_time)
_TICKER = Channel(key=_at, time=_time, patience=Patience(first=_FIRST))
# "If there are no updates for around 60 seconds", one that changes nothing is sent. Three are too many to miss.
_RESTING = Patience(first=_FIRST, silence=200.0)
_BOOK = Channel(key=_numbered, time=_time, chain=_linked, exact=True, patience=_RESTING)
_BEST = Channel(key=_numbered, time=_time, patience=_RESTING)
_CANDLES = Channel(patience=Patience(first=_FIRST))  # their only time is that of opening
_EVENTS = Channel()

INSTRUMENT, TYPE, FAMILY, NOTHING = "instId", "instType", "instFamily", ""
TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
# Each channel with the parameter that it is asked for with.
_PUBLIC: dict[str, tuple[str, Channel]] = {
    "trades": (INSTRUMENT, _TRADES),
    "tickers": (INSTRUMENT, _TICKER),
    "books": (INSTRUMENT, _BOOK),
    "books5": (INSTRUMENT, _BEST),
    "bbo-tbt": (INSTRUMENT, _BEST),
    "books-elp": (INSTRUMENT, Channel(key=_numbered, time=_time, chain=_linked, exact=True)),
    # 200 ms where it changes, else 10 s; 100 ms, else a minute; 30 to 90 s.
    "mark-price": (INSTRUMENT, Channel(key=_at, time=_time, patience=Patience(first=30.0, silence=60.0))),
    "index-tickers": (INSTRUMENT, Channel(key=_at, time=_time, patience=Patience(first=100.0, silence=200.0))),
    "funding-rate": (INSTRUMENT, Channel(key=_at, time=_time, patience=Patience(first=120.0, silence=300.0))),
    "open-interest": (INSTRUMENT, _SAMPLED),
    "price-limit": (INSTRUMENT, _SAMPLED),
    "liquidation-orders": (TYPE, _EVENTS),
    "adl-warning": (TYPE, _EVENTS),
    "instruments": (TYPE, _EVENTS),
    "opt-summary": (FAMILY, _EVENTS),
    "status": (NOTHING, _EVENTS),
}
_BUSINESS: dict[str, tuple[str, Channel]] = {
    "trades-all": (INSTRUMENT, _TRADES),
    **{f"{kind}candle{bar}": (INSTRUMENT, _CANDLES) for kind in ("", "mark-price-", "index-") for bar in BARS},
}
CHANNELS = {"public": _PUBLIC, "business": _BUSINESS}  # by route
_ALL = {**_PUBLIC, **_BUSINESS}
_SHOWN = {
    "public": tuple(_PUBLIC),
    "business": ("trades-all", "candle<bar>", "mark-price-candle<bar>", "index-candle<bar>"),
}
_EXAMPLES = {INSTRUMENT: "BTC-USDT", TYPE: "SWAP", FAMILY: "BTC-USD"}


# Names


def channel(stream: str) -> Channel:
    """What is known of a stream's messages."""
    return _ALL.get(parted(stream)[0], ("", _EVENTS))[1]


def argument(stream: str) -> dict[str, str]:
    """What a stream is asked for with."""
    name, instrument = parted(stream)
    parameter = _ALL[name][0]
    return {"channel": name, parameter: instrument} if parameter else {"channel": name}


def name_of(given: dict[str, Any]) -> str | None:
    """The stream that an `arg` means; it may have more in it than we asked for. None if it is no such thing."""
    name = text_in(given.get("channel"))
    if name is None:
        return None
    wanted = _ALL[name][0] if name in _ALL else None
    for parameter in (INSTRUMENT, TYPE, FAMILY) if wanted is None else (wanted,):
        if value := text_in(given.get(parameter)):
            return f"{name}:{value}"
    return name if wanted in (None, NOTHING) else None


def check(stream: str, route: str) -> None:
    """Raise ConfigError, with advice, for what is no stream of this route."""
    name, instrument = parted(stream)
    mine, other = CHANNELS[route], "business" if route == "public" else "public"
    if name in CHANNELS[other]:
        raise ConfigError(f"{stream!r}: it comes over OKX's {other} URL: give it to okx.{other}()")
    example = f"{_SHOWN[route][0]}:BTC-USDT"
    if not instrument and "-" in name and name == name.upper():
        raise ConfigError(f"{stream!r}: which channel of it? Such as {f'{_SHOWN[route][0]}:{name}'!r}")
    if name not in mine:
        if re.fullmatch(r"(?:mark-price-|index-)?candle.*", name):
            raise ConfigError(f"{stream!r}: candles are of one of {', '.join(BARS)}: 'candle1m:BTC-USDT'")
        channel_of(stream, _SHOWN[route], "OKX", example)
    _check_parameter(stream, name, instrument)


def _check_parameter(stream: str, name: str, instrument: str) -> None:
    parameter = _ALL[name][0]
    if not parameter:
        if instrument:
            raise ConfigError(f"{stream!r}: there is one for all instruments: {name!r}")
        return
    example = f"{name}:{_EXAMPLES[parameter]}"
    if not instrument:
        raise ConfigError(f"{stream!r}: of what? Such as {example!r}")
    if not re.fullmatch(r"[^\s\"\\:,{}]{1,100}", instrument):
        raise ConfigError(f"{stream!r}: give streams one by one, such as {example!r}")
    if instrument != instrument.upper():
        raise ConfigError(f"{stream!r}: OKX writes instruments in upper case: {f'{name}:{instrument.upper()}'!r}")
    if parameter == TYPE and instrument not in TYPES:
        raise ConfigError(f"{stream!r}: {name} is asked for by type of instrument, one of {', '.join(TYPES)}")
    if parameter != TYPE and "-" not in instrument:
        raise ConfigError(f"{stream!r}: OKX writes instruments with dashes, such as {example!r}")
