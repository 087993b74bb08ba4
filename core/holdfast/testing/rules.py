"""What a service demands of its clients, and how it speaks to them: plain data. An exchange enforces it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a service; what is left out is not demanded. Times are seconds; those of a connection count from
    the end of its handshake. Whoever is closed under a rule has its name in `ConnectionRecord.closed_by`.

    What a client must keep to, or it is closed with 1008:

    - `pong_timeout`: a ping is answered with a pong of the same payload before so long. A pong answers the earlier
      pings too (RFC 6455 section 5.5.3). Needs a `ping_interval`, here or of the exchange. Binance: 60 s.
    - `message_limit`: (count, seconds), at most so many messages from a client in any such time; pings, pongs and
      whole messages count. Binance: 5 in 1 s.
    - `subscribe_within`: it has asked for a stream before so long, in its URL or by a request. Coinbase: 5 s.

    - `idle`: (seconds, close code, reason), for so long neither side sent a text or binary message: it is closed with
      this code instead. OKX: 30 s, 4004.

    What is refused:

    - `dial_limit`: (count, seconds, retry_after). A handshake that follows on so many in such a time gets HTTP 429, or
      `dial_limit_status`, with Retry-After in whole seconds, None for no such header. Those refused count as well.
      Binance: 300 in 300 s.
    - `max_streams`: more streams on one connection; a request for them is refused, a URL that asks for them gets
      HTTP 400. Binance: 1024.

    What every client must live with:

    - `max_age`: a connection is closed after so long, with `max_age_code`; None for the end of the stream without a
      close frame. Binance: 24 h. `notice` is a text sent `notice_before` seconds earlier.
    - `ping_interval`: seconds between pings to each client. Binance: 20 s.
    - `heartbeat`: seconds between texts that are no data, `Service.heartbeat`, for those that they are meant for.
    - `silent`: streams that can be subscribed to, and are never published.
    - `fragment`: frames in which each message of a stream is sent; 0 and 1 for a whole one.
    - `compress`: whoever offers permessage-deflate has it, and all messages are compressed.
    """

    pong_timeout: float | None = None
    message_limit: tuple[int, float] | None = None
    subscribe_within: float | None = None
    idle: tuple[float, int, str] | None = None
    dial_limit: tuple[int, float, int | None] | None = None
    dial_limit_status: int = 429
    max_streams: int | None = None
    max_age: float | None = None
    max_age_code: int | None = 1001
    notice: str | None = None
    notice_before: float = 0.0
    ping_interval: float | None = None
    heartbeat: float | None = None
    silent: frozenset[str] = frozenset()
    fragment: int = 0
    compress: bool = False

    def __post_init__(self) -> None:
        for name in ("pong_timeout", "subscribe_within", "max_age", "ping_interval", "heartbeat"):
            seconds: float | None = getattr(self, name)
            if seconds is not None:
                _check(_is_time(seconds), name, seconds, "a finite number of seconds greater than 0")
        if self.idle is not None:
            _check(
                _is_time(self.idle[0]), "idle", self.idle, "a finite number of seconds greater than 0, a code, a reason"
            )
        for name in ("message_limit", "dial_limit"):
            limit: tuple[int, float, *tuple[int | None, ...]] | None = getattr(self, name)
            if limit is not None:
                _check(limit[0] >= 1 and _is_time(limit[1]), name, limit, "a count of at least 1 in seconds above 0")
        _check(self.max_streams is None or self.max_streams >= 0, "max_streams", self.max_streams, "at least 0")
        _check(self.fragment >= 0, "fragment", self.fragment, "at least 0")
        if self.notice is not None:
            fits = self.max_age is not None and 0 <= self.notice_before < self.max_age
            _check(fits, "notice_before", self.notice_before, "0 or more and less than max_age, which a notice needs")


def _is_time(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds > 0


def _check(condition: bool, name: str, found: object, allowed: str) -> None:
    if not condition:
        raise ConfigError(f"Rules.{name} = {found!r}: must be {allowed}")
