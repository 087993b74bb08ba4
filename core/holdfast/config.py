"""Everything that steers one feed, and how it is made from the arguments of `open_feed`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import PurePath
from typing import cast

from holdfast.checks import between, can_be_sent, count, need, positive
from holdfast.dialects.dialect import Dialect, Service, check_streams
from holdfast.dialects.words import Patience
from holdfast.endpoint import check_headers
from holdfast.errors import ConfigError
from holdfast.new_connection import NewConnection
from holdfast.records import dataclass
from holdfast.settings import (
    Backoff,
    Deflate,
    DialWindow,
    Keepalive,
    Limits,
    MessageWindow,
    Overflow,
    Rebalance,
    Resync,
    Retry,
    Rotation,
    Sharding,
    Staleness,
    Subscribing,
    Timeouts,
)
from holdfast.source import ENDPOINT_OPTIONS, EndpointOptions, Source, Target, label, targets

AnySource = Service | Source | Sequence[Source]
OnConnect = Callable[[NewConnection], Awaitable[object]]


class FeedOptions(EndpointOptions, total=False):
    """The keyword arguments of `open_feed`; defaults and meanings are those of `FeedConfig` and `Endpoint`."""

    on_connect: OnConnect | None
    on_open: Iterable[str | bytes]
    patience: Mapping[str, Patience]
    subscribing: Subscribing
    message_window: MessageWindow | None
    name: str | None
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
    compression: Deflate | None
    legs: int
    rotation: Rotation | None
    check_sequences: bool
    resync: Resync | None
    sharding: Sharding
    rebalance: Rebalance | None
    restart_after: int | None
    memory_limit: int | None
    dial_window_file: str | PurePath | None


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """Everything that steers one feed.

    `targets`: where to dial, the preferred one first: after a failure comes the next, after a healthy connection the
    first. `on_connect`: an async function, called after every handshake with a `NewConnection`, on which it can send
    and receive before messages flow; then `on_open`, messages, are sent, in order.

    `dialect`: how the service speaks; `streams`: what is wanted of it to begin with; both come with a `Service`.
    `patience`: how long streams may be silent where that is not as the dialect says, by name or pattern (`*@trade`).
    `message_window`: what may be sent on a connection in any time; None: whatever there is.

    `name`: what the feed is called in log lines; None for the host. `user_agent`: None sends no such header.
    `stall_after`: when our own process did not run for about this many seconds, that is reported as `Stall`.
    `compression`: None offers none, and then what a server compresses breaks the protocol.

    `legs`: how many connections carry everything at the same time, each preferring another of the targets where there
    are several; every message is delivered once. `rotation`: None replaces no connection before it is lost.

    `check_sequences`: compare the service's numbers of every message with those of the one before of its stream, where
    they tell, and declare a gap where some are missing. That parses every message. `resync`: how to get snapshots.
    `sharding`: how streams are spread where one connection may not carry them all. `rebalance`: what is done about a
    shard that reconnects far more often than the others; None watches nothing. `restart_after`: dials, of all
    connections together, since one of them was healthy; behind so many the feed ends, and RestartNeeded is raised, for
    whoever runs the process to start it anew. None: never.

    `memory_limit`: bytes of all that the feed queues and holds, in place of `Limits.max_queue_size`, which then bounds
    nothing; at least 4 KiB. None: the queue has that limit, and what is held those of its own.

    `dial_window_file`: a file in which all processes of this machine that name it count their dials, so that they keep
    the `dial_window` together; needs `holdfast[shared]`. None: each process for itself.
    """

    targets: tuple[Target, ...]
    on_connect: OnConnect | None = field(default=None, repr=False)  # this and the next may hold credentials
    on_open: tuple[str | bytes, ...] = field(default=(), repr=False)
    dialect: Dialect | None = None
    streams: tuple[str, ...] = ()
    patience: Mapping[str, Patience] = field(default_factory=dict[str, Patience])
    subscribing: Subscribing = Subscribing()
    message_window: MessageWindow | None = None
    name: str | None = None
    user_agent: str | None = "holdfast/0.1"
    keepalive: Keepalive = Keepalive()
    staleness: Staleness = Staleness()
    backoff: Backoff = Backoff()
    retry: Retry = Retry()
    dial_window: DialWindow = DialWindow()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    overflow: Overflow = Overflow()
    stall_after: float = 1.0
    compression: Deflate | None = None
    legs: int = 1
    rotation: Rotation | None = Rotation()
    check_sequences: bool = False
    resync: Resync | None = None
    sharding: Sharding = Sharding()
    rebalance: Rebalance | None = Rebalance()
    restart_after: int | None = None
    memory_limit: int | None = None
    dial_window_file: str | PurePath | None = None

    def __post_init__(self) -> None:
        if not isinstance(cast(object, self.targets), tuple) or not self.targets:
            # Not shown: it may be a URL with a password in it.
            raise ConfigError(f"targets is {type(self.targets).__name__}: must be a tuple; FeedConfig.build makes one")
        if self.on_connect is not None:
            need(callable(self.on_connect), "on_connect", self.on_connect, "an async function of a NewConnection")
        patterns: object = self.patience
        need(isinstance(patterns, Mapping), "patience", patterns, 'a dict such as {"*@trade": Patience(silence=5)}')
        for pattern, patience in self.patience.items():
            need(isinstance(cast(object, pattern), str), "patience", pattern, 'a dict by pattern, such as "*@trade"')
            need(isinstance(patience, Patience), f"patience[{pattern!r}]", patience, "a Patience(...)")
        if self.message_window is not None:
            given = self.message_window
            need(isinstance(given, MessageWindow), "message_window", given, "a MessageWindow(...), or None")
        if self.dialect is not None:
            check_streams(self.dialect, self.streams)
        else:
            need(not self.streams, "streams", self.streams, "left out: without a dialect use on_open")
        if self.name is not None:
            need(isinstance(self.name, str) and self.name.isprintable(), "name", self.name, "a printable str")
        for name, kind in _KINDS.items():
            setting = getattr(self, name)
            need(isinstance(setting, kind), name, setting, f"a {kind.__name__}(...)")
        for message in self.on_open:
            need(can_be_sent(message), "on_open", message, "a list of str or bytes, sent in order")
        if self.user_agent is not None:
            need(isinstance(self.user_agent, str), "user_agent", self.user_agent, "a str, or None for no such header")
            check_headers((("User-Agent", self.user_agent),))
        positive("stall_after", self.stall_after)
        between("legs", self.legs, 1, _MOST_LEGS)
        most = self.sharding.max_connections
        advice = f"None, or at least legs = {self.legs}"
        need(most is None or most >= self.legs, "Sharding.max_connections", most, advice)
        need(isinstance(self.rotation, Rotation | None), "rotation", self.rotation, "a Rotation(...), or None for none")
        need(
            isinstance(self.rebalance, Rebalance | None),
            "rebalance",
            self.rebalance,
            "a Rebalance(...), or None for none",
        )
        if self.restart_after is not None:
            count("restart_after", self.restart_after)
        if self.memory_limit is not None:
            count("memory_limit", self.memory_limit, least=4096)
        if self.dial_window_file is not None:
            path = self.dial_window_file
            is_path = isinstance(path, str | PurePath) and str(path) not in ("", ".")
            need(is_path, "dial_window_file", path, 'the path of a file, such as "/run/holdfast/dials.json", or None')
        need(isinstance(self.check_sequences, bool), "check_sequences", self.check_sequences, "True or False")
        if self.check_sequences and self.dialect is None:
            raise ConfigError("check_sequences: without a dialect nobody knows the numbers; leave it out")
        need(isinstance(self.resync, Resync | None), "resync", self.resync, "a Resync(function), or None")
        if self.resync is not None and self.dialect is None:
            raise ConfigError("resync: without a dialect there are no streams; leave it out")
        compression = self.compression
        need(isinstance(compression, Deflate | None), "compression", compression, "a Deflate(...), or None for none")

    @classmethod
    def build(cls, source: AnySource, options: FeedOptions) -> FeedConfig:
        """From the arguments of `open_feed`. Raises ConfigError for an unknown, misplaced or impossible option."""
        known = FeedOptions.__optional_keys__
        if unknown := options.keys() - known:
            raise ConfigError(f"unknown option {', '.join(sorted(unknown))}: choose from {', '.join(sorted(known))}")
        rest = {name: value for name, value in options.items() if name not in ENDPOINT_OPTIONS}
        on_open = options.get("on_open", ())
        if isinstance(on_open, str | bytes) or not isinstance(cast(object, on_open), Iterable):
            raise ConfigError(f"on_open is {type(on_open).__name__}: give a list of messages, such as on_open=['...']")
        rest["on_open"] = tuple(on_open)
        if isinstance(source, Service):
            limits = source.dialect.limits
            rest.update(dialect=source.dialect, streams=source.streams)
            rest.setdefault("message_window", limits.message_window)
            if limits.dial_window is not None:
                rest.setdefault("dial_window", limits.dial_window)
            source = source.source
        return cls(targets(source, options), **rest)  # type: ignore[arg-type]

    @property
    def label(self) -> str:
        """What the feed is called in log lines."""
        return self.name or label(self.targets[0])


_MOST_LEGS = 8
_KINDS: dict[str, type] = {
    "keepalive": Keepalive,
    "staleness": Staleness,
    "backoff": Backoff,
    "retry": Retry,
    "dial_window": DialWindow,
    "timeouts": Timeouts,
    "limits": Limits,
    "overflow": Overflow,
    "sharding": Sharding,
    "subscribing": Subscribing,
}
