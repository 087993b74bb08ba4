"""Settings: frozen, validated when made, with errors that say what to do. Times are seconds, sizes are bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict, cast

from holdfast.endpoint import Endpoint, check_headers
from holdfast.errors import ConfigError

KIB = 1024
MIB = 1024 * 1024
SHORTEST = 0.001  # seconds


def _need(condition: object, setting: str, found: object, allowed: str) -> None:
    if not condition:
        raise ConfigError(f"{setting} = {found!r}: must be {allowed}")


def _positive(setting: str, value: float) -> None:
    """A time. Shorter ones than a millisecond vanish beside the clock."""
    _need(_number(value) and value >= SHORTEST, setting, value, f"a finite number of seconds, at least {SHORTEST:g}")


def _positive_or_none(setting: str, value: float | None) -> None:
    if value is not None:
        _positive(setting, value)


def _number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def _count(setting: str, value: int, least: int = 1) -> None:
    whole = _number(value) and not isinstance(value, float)
    _need(whole and value >= least, setting, value, f"a whole number of at least {least}")


def _can_be_sent(message: object) -> bool:
    if isinstance(message, str):
        try:
            message.encode()
        except UnicodeEncodeError:  # a lone surrogate
            return False
    return isinstance(message, str | bytes)


@dataclass(frozen=True, slots=True)
class Keepalive:
    """A ping every `interval` seconds; the peer is dead when nothing at all came for `timeout` seconds after one.

    Any byte received since the ping proves life, not only its pong. `interval=None` sends no pings: then a peer
    that vanished is found only by `Staleness`.
    """

    interval: float | None = 20.0
    timeout: float = 20.0

    def __post_init__(self) -> None:
        _positive_or_none("Keepalive.interval", self.interval)
        _positive("Keepalive.timeout", self.timeout)


@dataclass(frozen=True, slots=True)
class Staleness:
    """Silence of data: an open connection on which no message arrived for `after` seconds. Pings are not data.

    It is reported as `Stale`; with `reconnect=True` the connection is replaced too. A feed that may be quiet for
    long must not be torn down for it, so that is off until asked for. `after=None` watches nothing.
    """

    after: float | None = 60.0
    reconnect: bool = False

    def __post_init__(self) -> None:
        _positive_or_none("Staleness.after", self.after)
        alone = self.reconnect and self.after is None
        _need(not alone, "Staleness.reconnect", self.reconnect, "used with a number of seconds for after")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pause after failure n since the last healthy connection: `initial * factor ** (n - 1)`, at most `maximum`.

    `jitter` (0 to 1) is the share of the pause that is drawn at random, downward, so that `maximum` holds.
    """

    initial: float = 0.5
    factor: float = 2.0
    maximum: float = 30.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        _positive("Backoff.initial", self.initial)
        _need(_number(self.factor) and self.factor >= 1, "Backoff.factor", self.factor, "a number of at least 1")
        _positive("Backoff.maximum", self.maximum)
        _need(
            self.maximum >= self.initial, "Backoff.maximum", self.maximum, f"at least Backoff.initial = {self.initial}"
        )
        _need(_number(self.jitter) and 0 <= self.jitter <= 1, "Backoff.jitter", self.jitter, "a number from 0 to 1")

    def pause(self, failures: int, draw: float) -> float:
        """Seconds to wait after that many failures (1, 2, …); `draw` is a random number in [0, 1)."""
        try:
            full = min(self.maximum, self.initial * float(self.factor) ** (failures - 1))
        except OverflowError:  # a feed may retry for years
            full = self.maximum
        return full * (1.0 - self.jitter * draw)


@dataclass(frozen=True, slots=True)
class Retry:
    """When to stop trying, and when a connection has proven itself.

    A connection is healthy when `stable_after` seconds lie between its first message and its latest: only then do the
    backoff and the counters start anew. (One that greets and falls silent is not; so a feed with less than two messages
    a connection never is, and keeps the longest pause.) `max_attempts` (None: no end) counts dials since the last
    healthy connection; `max_policy_closes` counts closes for "your fault" (1002, 1003, 1007 to 1010, 4000 to 4999).
    `retry_after_cap` bounds what a server may ask for in Retry-After.
    """

    stable_after: float = 30.0
    max_attempts: int | None = None
    max_policy_closes: int = 5
    max_redirects: int = 5
    retry_after_cap: float = 3600.0

    def __post_init__(self) -> None:
        _positive("Retry.stable_after", self.stable_after)
        if self.max_attempts is not None:
            _count("Retry.max_attempts", self.max_attempts)
        _count("Retry.max_policy_closes", self.max_policy_closes)
        _count("Retry.max_redirects", self.max_redirects, least=0)
        _positive("Retry.retry_after_cap", self.retry_after_cap)


@dataclass(frozen=True, slots=True)
class DialWindow:
    """At most `count` dials to one host in any `period` seconds (Binance: 300 in 300 s per IP, checked 2026-04)."""

    count: int = 300
    period: float = 300.0

    def __post_init__(self) -> None:
        _count("DialWindow.count", self.count)
        _positive("DialWindow.period", self.period)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`connect`: from the dial to the accepted handshake, with name lookup, TCP and TLS. `close`: all of closing."""

    connect: float = 10.0
    close: float = 5.0

    def __post_init__(self) -> None:
        _positive("Timeouts.connect", self.connect)
        _positive("Timeouts.close", self.close)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on memory, in bytes.

    `max_message_size`: one message; a longer one is refused from its announced length (close 1009).
    `max_handshake_size`: the server's answer to the opening handshake.
    `max_queue_size`: messages received and not yet taken by the consumer, with 64 bytes for each; what happens at the
    bound is `Overflow`.
    `max_write_size`: bytes given to the transport that the peer has not taken; beyond it the connection ends.
    """

    max_message_size: int = 16 * MIB
    max_handshake_size: int = 64 * KIB
    max_queue_size: int = 64 * MIB
    max_write_size: int = 64 * MIB

    def __post_init__(self) -> None:
        _count("Limits.max_message_size", self.max_message_size)
        _count("Limits.max_handshake_size", self.max_handshake_size, least=256)
        _count("Limits.max_queue_size", self.max_queue_size)
        _count("Limits.max_write_size", self.max_write_size)


@dataclass(frozen=True, slots=True)
class Overflow:
    """What happens when the queue of messages that wait for the consumer reaches `Limits.max_queue_size`.

    `policy` is one of

    - `pause`: reading stops until the queue is half empty; the server is slowed down, nothing is lost;
    - `drop_oldest`, `drop_newest`: the connection is read on, and messages at that end are dropped;
    - `conflate`: of all queued messages with the same `key(message)` only the newest stays;
    - `fail`: the feed ends; what is queued can be taken, then GaveUp is raised.

    Whatever is dropped is declared as a Gap, with the number of messages.
    """

    policy: Literal["pause", "drop_oldest", "drop_newest", "conflate", "fail"] = "pause"
    key: Callable[[str | bytes], Hashable] | None = None

    def __post_init__(self) -> None:
        allowed = ("pause", "drop_oldest", "drop_newest", "conflate", "fail")
        _need(self.policy in allowed, "Overflow.policy", self.policy, f"one of {', '.join(allowed)}")
        if self.policy == "conflate":
            _need(callable(self.key), "Overflow.key", self.key, "a function of a message, for policy conflate")
        else:
            _need(self.key is None, "Overflow.key", self.key, "left out: only policy conflate uses it")


class FeedOptions(TypedDict, total=False):
    """The keyword arguments of `open_feed`; their defaults and meanings are those of `FeedConfig`."""

    on_open: Iterable[str | bytes]
    headers: Mapping[str, str] | Iterable[tuple[str, str]]
    subprotocols: Iterable[str]
    tls: object
    server_name: str | None
    user_agent: str | None
    keepalive: Keepalive
    staleness: Staleness
    backoff: Backoff
    retry: Retry
    dial_window: DialWindow
    timeouts: Timeouts
    limits: Limits
    overflow: Overflow
    stall_after: float


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """Everything that steers one feed.

    `on_open`: messages sent after every successful handshake, in order. `user_agent`: None sends no such header.
    `stall_after`: when our own process did not run for about this many seconds, that is reported as `Stall`.
    """

    endpoint: Endpoint
    on_open: tuple[str | bytes, ...] = ()
    user_agent: str | None = "holdfast/0.1"
    keepalive: Keepalive = field(default_factory=Keepalive)
    staleness: Staleness = field(default_factory=Staleness)
    backoff: Backoff = field(default_factory=Backoff)
    retry: Retry = field(default_factory=Retry)
    dial_window: DialWindow = field(default_factory=DialWindow)
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    overflow: Overflow = field(default_factory=Overflow)
    stall_after: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.endpoint, Endpoint):
            # Not shown: it may be a URL with a password in it.
            raise ConfigError(
                f"endpoint is {type(self.endpoint).__name__}: must be an Endpoint; make one with Endpoint(url)"
            )
        for name, kind in _KINDS.items():
            setting = getattr(self, name)
            _need(isinstance(setting, kind), name, setting, f"a {kind.__name__}(...)")
        for message in self.on_open:
            _need(_can_be_sent(message), "on_open", message, "a list of str or bytes, sent in order")
        if self.user_agent is not None:
            _need(isinstance(self.user_agent, str), "user_agent", self.user_agent, "a str, or None for no such header")
            check_headers((("User-Agent", self.user_agent),))
        _positive("stall_after", self.stall_after)

    @classmethod
    def build(cls, source: str | Endpoint, options: FeedOptions) -> FeedConfig:
        """From the arguments of `open_feed`. Raises ConfigError for an unknown, misplaced or impossible option."""
        known = FeedOptions.__optional_keys__
        if unknown := options.keys() - known:
            raise ConfigError(f"unknown option {', '.join(sorted(unknown))}: choose from {', '.join(sorted(known))}")
        on_open = options.get("on_open", ())
        if isinstance(on_open, str | bytes) or not isinstance(on_open, Iterable):
            raise ConfigError(f"on_open is {type(on_open).__name__}: give a list of messages, such as on_open=['...']")
        rest = {name: value for name, value in options.items() if name not in _ENDPOINT_OPTIONS and name != "on_open"}
        return cls(_endpoint(source, options), on_open=tuple(on_open), **rest)  # type: ignore[arg-type]


_KINDS: dict[str, type] = {
    "keepalive": Keepalive,
    "staleness": Staleness,
    "backoff": Backoff,
    "retry": Retry,
    "dial_window": DialWindow,
    "timeouts": Timeouts,
    "limits": Limits,
    "overflow": Overflow,
}
_ENDPOINT_OPTIONS = frozenset({"headers", "subprotocols", "tls", "server_name"})


def _endpoint(source: str | Endpoint, options: FeedOptions) -> Endpoint:
    if isinstance(source, Endpoint):
        if misplaced := _ENDPOINT_OPTIONS & options.keys():
            raise ConfigError(f"{', '.join(sorted(misplaced))}: set this on the Endpoint itself")
        return source
    if not isinstance(source, str):
        raise ConfigError(f"source = {source!r}: must be a ws:// or wss:// URL, or an Endpoint")
    subprotocols = options.get("subprotocols", ())
    if isinstance(subprotocols, str) or not isinstance(subprotocols, Iterable):
        raise ConfigError(
            f"subprotocols = {subprotocols!r}: give a list, such as subprotocols=['graphql-transport-ws']"
        )
    headers = _pairs(options.get("headers", ()))
    return Endpoint(source, headers, tuple(subprotocols), options.get("tls"), options.get("server_name"))


def _pairs(headers: object) -> tuple[tuple[str, str], ...]:
    given = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    try:
        listed = list(cast("Iterable[tuple[str, str]]", given))
        if any(isinstance(pair, str) for pair in listed):  # "ab" would pass for a pair
            raise TypeError
        return tuple((name, value) for name, value in listed)
    except (TypeError, ValueError):
        raise ConfigError("headers: give a dict, or a list of pairs (name, value)") from None
