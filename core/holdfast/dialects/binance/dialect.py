"""How Binance wants streams asked for, and what it demands: one dialect for spot and for the two routes of USD-M."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from holdfast.dialects.binance.kinds import Market
from holdfast.dialects.binance.updates import BinanceUpdate, read
from holdfast.dialects.dialect import ServiceLimits
from holdfast.dialects.words import Patience, Reading
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Cause, Failure
from holdfast.settings import DialWindow, MessageWindow
from holdfast.verdicts import Action, Verdict

_DAY = 86_400.0

# "Limits" and "General WSS information" of https://github.com/binance/binance-spot-api-docs, web-socket-streams.md, as
# of 2026-07-21, read 2026-11-21. max_request_size: a frame of more than 4096 bytes is not answered, and the connection
# hangs until the next ping (observed 2024-12, github.com/binance/binance-connector-rust/issues/27).
SPOT_LIMITS = ServiceLimits(
    max_streams=1024,
    max_request_size=4000,
    message_window=MessageWindow(5, 1.0),  # "PING frame, PONG frame, JSON controlled message"
    dial_window=DialWindow(300, 300.0),  # per address
    max_age=_DAY,
)
# "Connect" of the USD-M market streams at https://developers.binance.com/docs/derivatives, as of 2026-05-28, read
# 2026-11-21. 1024 streams (until 2025: 200). 10 messages a second are documented, but the testnet closes above 5
# (observed 2026-09). Requests and dials are as on spot, because nothing is documented.
USDM_LIMITS = ServiceLimits(
    max_streams=1024,
    max_request_size=4000,
    message_window=MessageWindow(5, 1.0),
    dial_window=DialWindow(300, 300.0),
    max_age=_DAY,
)
_PENALTY = 120.0  # seconds after too many requests (observed 2026-09); rest-api.md: bans begin at two minutes
_WAF_PENALTY = 300.0  # seconds; 403 is the web application firewall's (rest-api.md), for how long is not documented


@dataclass(frozen=True)
class BinanceDialect:
    """`route`: the path that the connection takes, where the market has several."""

    name: str
    market: Market
    limits: ServiceLimits
    update: type[BinanceUpdate]
    route: str | None = None

    def check(self, stream: str) -> None:
        kind = self.market.checked(stream)
        if kind.route != self.route:
            raise ConfigError(
                f"{stream!r} comes on /{kind.route}, and this feed is connected to /{self.route}, where it would be "
                f"acknowledged and stay silent: open another feed for it"
            )

    def symbol(self, stream: str) -> str:
        """What stands before the first @."""
        return stream.partition("@")[0]

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        """By their size; the number of streams in a request is not limited."""
        room = (self.limits.max_request_size or 0) - len(self.unsubscribe([], 2**53))
        batch: list[str] = []
        size = 0
        for stream in streams:
            cost = len(_compact(stream).encode()) + 1
            if batch and size + cost > room:
                yield batch
                batch, size = [], 0
            batch.append(stream)
            size += cost
        if batch:
            yield batch

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return _compact({"method": "SUBSCRIBE", "params": list(streams), "id": request})

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return _compact({"method": "UNSUBSCRIBE", "params": list(streams), "id": request})

    def list_streams(self, request: int) -> str:
        return _compact({"method": "LIST_SUBSCRIPTIONS", "id": request})

    def ping(self, request: int) -> None:  # noqa: ARG002
        """It has none of its own: WebSocket pings do."""
        return

    def read(self, message: str | bytes) -> Reading:
        return read(message, self.update)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:
        pairs = (pair.partition("=") for pair in endpoint.target.partition("?")[2].split("&"))
        asked = (unquote(value) for name, _, value in pairs if name == "streams")
        return frozenset(stream for some in asked for stream in some.split("/") if stream)

    def patience(self, stream: str) -> Patience:
        kind = self.market.kind(stream)
        seconds = kind.silence(stream) if kind is not None and kind.silence is not None else None
        return Patience(first=seconds, silence=seconds)

    def verdict(self, failure: Failure) -> Verdict | None:
        reason = failure.detail.lower()
        if failure.cause is Cause.HTTP:
            if failure.status == 451:
                return Verdict(Action.GIVE_UP, "Binance does not serve the country of this address")
            if failure.status == 403:
                return Verdict(Action.RETRY, "Binance's firewall takes us for an attack", _WAF_PENALTY, policy=True)
            if failure.status in (418, 429) and failure.header("retry-after") is None:
                return Verdict(Action.RETRY, "too many requests of this address", _PENALTY)
        elif failure.cause is Cause.CLOSED and failure.code == 1008:
            if "too many requests" in reason:
                return Verdict(Action.RETRY, "too many messages on the connection", _PENALTY, policy=True)
            if "pong timeout" in reason:  # our own stall, or the network's: nothing that would come again
                return Verdict(Action.RETRY, "our pong did not come in time")
        return None


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
