"""Bybit v5: requests and limits.

Sources, read 2026-11-21, as of 2026-07: https://bybit-exchange.github.io/docs/v5/ws/connect (addresses, requests, pings
and limits) and https://bybit-exchange.github.io/docs/v5/rate-limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

from holdfast.dialects.bybit.names import check_name
from holdfast.dialects.bybit.topics import TOPICS, Category, channel_for
from holdfast.dialects.bybit.updates import (
    LONGEST,
    TOPIC,
    TOPIC_AT,
    BybitUpdate,
    InverseUpdate,
    make_sense_of,
    topic_after_id,
)
from holdfast.dialects.channels import Channel, batched, compact
from holdfast.dialects.dialect import Service, ServiceLimits, check_streams
from holdfast.dialects.words import Patience, Reading
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Cause, Failure
from holdfast.settings import DialWindow, MessageWindow
from holdfast.source import Source
from holdfast.verdicts import Action, Verdict

URL = "wss://stream.bybit.com/v5/public/"  # and the category


def public(category: str, *streams: str, endpoint: Source | Sequence[Source] | None = None) -> Service:
    """Public market data of `spot`, `linear` (USDT and USDC contracts), `inverse` or `option`. Streams are topics, as
    Bybit writes them: `publicTrade.BTCUSDT`, `orderbook.50.BTCUSDT`, `tickers.BTCUSDT`, `kline.5.BTCUSDT`,
    `allLiquidation.BTCUSDT` ... Raises ConfigError.
    """
    if category not in TOPICS:
        raise ConfigError(f"category = {category!r}: must be one of {', '.join(map(repr, TOPICS))}")
    dialect = BybitDialect(category)
    check_streams(dialect, streams)
    return Service(dialect, URL + category if endpoint is None else endpoint, streams)


_CONTRACTS = ServiceLimits(
    # No number is documented for contracts; others ask for up to 500.
    max_streams_per_request=100,
    # "For one public connection, you cannot have length of args array over 21,000 characters".
    max_names_size=21_000,
    # None is documented; this one is ours.
    message_window=MessageWindow(count=10, period=1.0),
    # 500 in 5 minutes from an address; room is left for others.
    dial_window=DialWindow(count=400, period=300.0),
    # "Send the ping heartbeat packet every 20 seconds"; without it, and without data, a connection ends.
    ping_every=20.0,
)
LIMITS: dict[Category, ServiceLimits] = {
    "spot": replace(_CONTRACTS, max_streams_per_request=10),  # "Spot can input up to 10 args for each subscription"
    "linear": _CONTRACTS,
    "inverse": _CONTRACTS,
    "option": replace(_CONTRACTS, max_streams=2000),  # "2000 args for a single connection"
}


@dataclass(frozen=True)
class BybitDialect:
    """Of one category: each has its own address, topics and limits, and answers in its own form."""

    category: Category = "spot"
    _channel: Callable[[str], Channel] = field(init=False, repr=False, compare=False)
    _update: type[BybitUpdate] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_channel", lru_cache(8192)(partial(channel_for, self.category)))
        object.__setattr__(self, "_update", InverseUpdate if self.category == "inverse" else BybitUpdate)

    @property
    def name(self) -> str:
        return f"bybit.{self.category}"

    @property
    def limits(self) -> ServiceLimits:
        return LIMITS[self.category]

    def check(self, stream: str) -> None:
        """Raise ConfigError, with advice, for what is no topic of this category."""
        check_name(self.category, stream)

    def symbol(self, stream: str) -> str:
        """What stands behind the last dot."""
        return stream.rpartition(".")[2]

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        """A request may be for topics of any kind."""
        return batched(streams, lambda _: "", self.limits.max_streams_per_request or 1)

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return compact({"req_id": str(request), "op": "subscribe", "args": list(streams)})

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return compact({"req_id": str(request), "op": "unsubscribe", "args": list(streams)})

    def list_streams(self, request: int) -> str | None:  # noqa: ARG002
        """Bybit cannot say."""
        return None

    def ping(self, request: int) -> str | None:
        return compact({"req_id": str(request), "op": "ping"})

    def read(self, message: str | bytes) -> Reading:
        if isinstance(message, str):
            if message.startswith(TOPIC):
                end = message.find('"', TOPIC_AT, LONGEST)
                if end > TOPIC_AT and "\\" not in (topic := message[TOPIC_AT:end]):
                    return self._update(topic, message, self._channel(topic))
            elif (after_id := topic_after_id(message)) is not None:
                return self._update(after_id, message, self._channel(after_id))
        found = make_sense_of(message)
        if found is None:
            return self._update(None, message)
        return self._update(found, message, self._channel(found)) if isinstance(found, str) else found

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:  # noqa: ARG002
        """No URL asks for streams."""
        return frozenset()

    def patience(self, stream: str) -> Patience:
        return channel_for(self.category, stream).patience

    def verdict(self, failure: Failure) -> Verdict | None:
        """403, "access too frequent": stop all, and wait at least 10 minutes; then it lifts by itself."""
        if failure.cause is Cause.HTTP and failure.status == 403:
            return Verdict(Action.RETRY, "Bybit bans who comes too often for 10 minutes", wait=600.0)
        return None
