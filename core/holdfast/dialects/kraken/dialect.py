"""How Kraken wants streams asked for, what it demands, and what its messages are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from holdfast.dialects.channels import (
    Channel,
    as_object,
    batched,
    channel_of,
    compact,
    first_in,
    parsed_or_none,
    parted,
    text_in,
    whole,
)
from holdfast.dialects.dialect import ServiceLimits
from holdfast.dialects.kraken.streams import BOOKS, CHANNELS, DEPTHS, INTERVALS, NAMES, KrakenUpdate
from holdfast.dialects.words import Acknowledged, Heartbeat, Notice, Patience, Reading, Refused, Update
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Cause, Failure
from holdfast.settings import DialWindow, MessageWindow
from holdfast.verdicts import Action, Verdict

_REQUEST_STEP = 100  # requests are numbered `number * 100 + place in NAMES`, because a refusal says no channel

_HEAD = re.compile(r'\{"channel":"(trade|ticker|book)","type":"(?:snapshot|update)","data":\[\{"symbol":"([^"\\]+)')
_LONGEST_HEAD = 120
_CANDLE_HEAD, _SYMBOL, _INTERVAL = '{"channel":"ohlc",', '"symbol":"', '"interval":'
_TOO_OFTEN = "Exceeded msg rate"  # that request is lost, for no fault of its streams: it is asked again when it is late


@dataclass(frozen=True)
class KrakenDialect:
    """`depth` of all books and `ticker`, `ticker` or `ticker-bbo`: what messages do not say of themselves."""

    depth: int = 10
    ticker: str = "ticker"
    _known: Callable[[str], tuple[str, Channel] | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", lru_cache(8192)(partial(_known, f"book-{self.depth}", self.ticker)))

    name = "kraken.v2"
    limits = ServiceLimits(
        # No number of streams is published: "it is possible to stream all available market data". A request of so many
        # symbols has about 2 KB.
        max_streams_per_request=100,
        # "Will vary depending upon the load"; what exceeds it is answered with an error and lost. Others send 20/s.
        message_window=MessageWindow(count=10, period=1.0),
        # About 150 in any 10 minutes from one address, or that is banned for 10 minutes: room is left for others.
        dial_window=DialWindow(count=120, period=600.0),
        # A connection ends after "approximately one minute of inactivity", and a heartbeat comes only with a stream.
        ping_every=30.0,
    )

    def check(self, stream: str) -> None:
        """Raise ConfigError, with advice, for what is no stream of Kraken's, or not to be told from others here."""
        symbol = parted(stream)[1]
        if re.fullmatch(r"[^:\s]+/[^:\s]+", stream):
            raise ConfigError(f"{stream!r}: which channel of it? Such as {'trade:' + stream!r}")
        if stream.startswith("book:"):
            raise ConfigError(f"{stream!r}: say how deep, one of {_all(DEPTHS)}: {f'book-{self.depth}:{symbol}'!r}")
        if stream.startswith("ohlc:"):
            raise ConfigError(f"{stream!r}: say which minutes, one of {_all(INTERVALS)}: {'ohlc-1:' + symbol!r}")
        channel, symbol = channel_of(stream, NAMES, "Kraken", "trade:BTC/USD")
        if channel == "instrument":
            if symbol:
                raise ConfigError(f"{stream!r}: Kraken's instruments come all together: 'instrument'")
            return
        _check_symbol(stream, channel, symbol)
        if channel in BOOKS and channel != f"book-{self.depth}":
            raise ConfigError(
                f"{stream!r}: messages of a book do not say how deep it is, and other books of this feed are of depth "
                f"{self.depth}: ask for {f'book-{self.depth}:{symbol}'!r}, or open a feed of its own"
            )
        if channel in ("ticker", "ticker-bbo") and channel != self.ticker:
            raise ConfigError(
                f"{stream!r}: messages of a ticker do not say on what they are sent, and tickers of this feed are "
                f"{self.ticker!r}: ask for {f'{self.ticker}:{symbol}'!r}, or open a feed of its own"
            )

    def symbol(self, stream: str) -> str:
        """The instrument."""
        return parted(stream)[1] or stream

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        """A request is for one channel."""
        return batched(streams, lambda stream: parted(stream)[0], self.limits.max_streams_per_request or 1)

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return _request("subscribe", streams, request)

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return _request("unsubscribe", streams, request)

    def list_streams(self, request: int) -> str | None:  # noqa: ARG002
        """Kraken cannot say."""
        return None

    def ping(self, request: int) -> str | None:
        return compact({"method": "ping", "req_id": request * _REQUEST_STEP})

    def read(self, message: str | bytes) -> Reading:
        if isinstance(message, str):
            if message.startswith(_CANDLE_HEAD):
                return _candle(message) or self._make_sense_of(message)
            at = message.find('"symbol":"', 0, _LONGEST_HEAD)
            end = message.find('"', at + 10, _LONGEST_HEAD) if at > 0 else -1
            if end > 0 and (known := self._known(message[:end])) is not None:
                return KrakenUpdate(known[0], message, known[1])
            if message == '{"channel":"heartbeat"}':
                return Heartbeat()
        return self._make_sense_of(message)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:  # noqa: ARG002
        """No URL asks for streams."""
        return frozenset()

    def patience(self, stream: str) -> Patience:
        channel = CHANNELS.get(parted(stream)[0])
        return channel.patience if channel is not None else Patience()

    def verdict(self, failure: Failure) -> Verdict | None:
        """Cloudflare, in front, bans an address that dials too often for 10 minutes, and says 429 or 403."""
        if failure.cause is Cause.HTTP and failure.status in (403, 429) and failure.header("retry-after") is None:
            return Verdict(Action.RETRY, "Kraken bans who dials too often for 10 minutes", wait=600.0)
        return None

    # Inside

    def _make_sense_of(self, message: str | bytes) -> Reading:
        parsed = as_object(parsed_or_none(message))
        if isinstance(parsed.get("method"), str):
            return self._answer(parsed, message)
        error = parsed.get("error", parsed.get("Error"))
        if isinstance(error, str):
            return Notice(error) if error == _TOO_OFTEN else Refused(error)
        channel = parsed.get("channel")
        if channel == "heartbeat":
            return Heartbeat()
        first = first_in(parsed.get("data"))
        if channel == "status" and (system := text_in(first.get("system"))):
            # It comes first on every connection, and whenever the trading engine changes its state.
            return Notice(f"system {system}")
        stream = self._name(channel, first)
        return KrakenUpdate(stream, message, CHANNELS[parted(stream)[0]]) if stream else Update(None, message)

    def _answer(self, parsed: dict[str, Any], message: str | bytes) -> Reading:
        method = parsed["method"]
        if method == "pong":
            return Heartbeat()
        if method not in ("subscribe", "unsubscribe"):
            return Update(None, message)
        number = whole(parsed.get("req_id"))
        request, place = divmod(number, _REQUEST_STEP) if number is not None else (None, len(NAMES))
        if parsed.get("success") is True:
            result = as_object(parsed.get("result"))
            stream = self._name(result.get("channel"), result)
            return Acknowledged(request, (stream,) if stream else None, dropped=method == "unsubscribe")
        symbol = parsed.get("symbol")
        streams = (f"{NAMES[place]}:{symbol}",) if isinstance(symbol, str) and place < len(NAMES) else None
        reason = str(parsed.get("error", "no reason given"))
        if "already subscribed" in reason.lower():
            return Acknowledged(request, streams)
        return Refused(reason, request, streams)

    def _name(self, channel: object, told: dict[str, Any]) -> str | None:
        """The stream that an object with `symbol`, and what else belongs to it, is about."""
        if channel == "instrument":
            return "instrument"
        symbol = text_in(told.get("symbol"))
        if symbol is None:
            return None
        if channel == "trade":
            return f"trade:{symbol}"
        if channel == "ticker":
            return f"{self.ticker}:{symbol}"
        if channel == "book":
            return f"book-{self.depth}:{symbol}"
        if channel == "ohlc" and (interval := whole(told.get("interval"))) in INTERVALS:
            return f"ohlc-{interval}:{symbol}"
        return None


def _known(book_name: str, ticker_name: str, head: str) -> tuple[str, Channel] | None:
    """The stream of messages that begin so."""
    match = _HEAD.fullmatch(head)
    if match is None:
        return None
    name = {"trade": "trade", "ticker": ticker_name, "book": book_name}[match[1]]
    return f"{name}:{match[2]}", CHANNELS[name]


def _candle(message: str) -> KrakenUpdate | None:
    """All of a message have the same symbol and interval, which stands near the end."""
    at = message.find(_SYMBOL) + len(_SYMBOL)
    symbol = message[at : message.find('"', at)]
    interval_at = message.rfind(_INTERVAL) + len(_INTERVAL)
    name = f"ohlc-{message[interval_at : message.find(',', interval_at)]}"
    channel = CHANNELS.get(name)
    if channel is None or not symbol or "\\" in symbol or at < len(_CANDLE_HEAD):
        return None
    return KrakenUpdate(f"{name}:{symbol}", message, channel)


def _request(method: str, streams: Sequence[str], request: int) -> str:
    name = parted(streams[0])[0]
    channel, _, parameter = name.partition("-")
    params: dict[str, Any] = {"channel": channel}
    if channel != "instrument":
        params["symbol"] = [parted(stream)[1] for stream in streams]
    if channel == "book":
        params["depth"] = int(parameter)
    elif channel == "ohlc":
        params["interval"] = int(parameter)
    elif parameter:
        params["event_trigger"] = parameter
    return compact({"method": method, "params": params, "req_id": request * _REQUEST_STEP + NAMES.index(name)})


def _check_symbol(stream: str, channel: str, symbol: str) -> None:
    base, slash, quote = symbol.partition("/")
    if not symbol:
        raise ConfigError(f"{stream!r}: of which instrument? Such as {channel + ':BTC/USD'!r}")
    if not re.fullmatch(r"[^\s\"\\:/,]+/[^\s\"\\:/,]+", symbol):
        raise ConfigError(f"{stream!r}: Kraken writes an instrument with both currencies, one at a time: BTC/USD")
    right = "/".join({"XBT": "BTC", "XDG": "DOGE"}.get(part.upper(), part) for part in (base, quote))
    right = right.upper() if symbol == symbol.lower() else right
    if slash and right != symbol:
        raise ConfigError(f"{stream!r}: Kraken v2 writes {channel + ':' + right!r}")


def _all(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
