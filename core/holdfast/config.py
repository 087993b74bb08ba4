"""Everything that steers one feed, and how it is made from the arguments of `open_feed`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict, cast

from holdfast.checks import can_be_sent, need, positive
from holdfast.endpoint import Endpoint, check_headers
from holdfast.errors import ConfigError
from holdfast.settings import (
    Backoff,
    DialWindow,
    Keepalive,
    Limits,
    Overflow,
    Retry,
    Staleness,
    Timeouts,
)


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
            need(isinstance(setting, kind), name, setting, f"a {kind.__name__}(...)")
        for message in self.on_open:
            need(can_be_sent(message), "on_open", message, "a list of str or bytes, sent in order")
        if self.user_agent is not None:
            need(isinstance(self.user_agent, str), "user_agent", self.user_agent, "a str, or None for no such header")
            check_headers((("User-Agent", self.user_agent),))
        positive("stall_after", self.stall_after)

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
