"""What a dialect is: how one service wants streams asked for, acknowledged, numbered and limited. No state, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Protocol, cast, runtime_checkable

from holdfast.checks import count, need, positive_or_none
from holdfast.dialects.words import Patience, Reading
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Failure
from holdfast.records import dataclass
from holdfast.settings import DialWindow, MessageWindow
from holdfast.source import Source
from holdfast.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What a service demands. A dialect says beside each number where it stands, and when that was read.

    `max_streams`: of one connection. `max_names_size`: characters of all their names, as a JSON list.
    `max_streams_per_request`. `max_request_size`: bytes. `message_window`: messages that a client may send on a
    connection. `dial_window`: dials from one address. `ping_every`: seconds between pings in the service's own form
    (`Dialect.ping`). `max_age`: seconds after which a connection is ended. `always`: streams that every connection must
    ask for, before all others; they bring no data. `in_turn`: answers have no number, so that a request waits for the
    answer of the one before; a list is one, and what it leaves out was not taken. `acknowledges`: whether requests are
    answered; where they are not, what was sent counts as done, unless a refusal comes. `counts`: the service numbers
    what it sends on a connection (`Update.position`).
    """

    max_streams: int | None = None
    max_streams_per_request: int | None = None
    max_request_size: int | None = None
    max_names_size: int | None = None
    message_window: MessageWindow | None = None
    dial_window: DialWindow | None = None
    ping_every: float | None = None
    max_age: float | None = None
    always: tuple[str, ...] = ()
    in_turn: bool = False
    acknowledges: bool = True
    counts: bool = False

    def __post_init__(self) -> None:
        for name in ("max_streams", "max_streams_per_request", "max_request_size", "max_names_size"):
            if (value := getattr(self, name)) is not None:
                count(f"ServiceLimits.{name}", value)
        for name, kind in (("message_window", MessageWindow), ("dial_window", DialWindow)):
            value = getattr(self, name)
            need(isinstance(value, kind | None), f"ServiceLimits.{name}", value, f"a {kind.__name__}(...), or None")
        positive_or_none("ServiceLimits.ping_every", self.ping_every)
        positive_or_none("ServiceLimits.max_age", self.max_age)
        names = isinstance(cast(object, self.always), tuple) and all(isinstance(name, str) for name in self.always)
        need(names, "ServiceLimits.always", self.always, 'a tuple of names, such as ("heartbeats",)')


_PARTS = frozenset(
    {"name", "limits", "check", "batches", "subscribe", "unsubscribe", "list_streams"}
    | {"ping", "read", "asked_by", "patience", "verdict"}
)


class Dialect(Protocol):
    """Pure functions and data. None may raise for what a server sent; `read` makes sense of any bytes."""

    @property
    def name(self) -> str:
        """Of the service, as errors call it."""
        ...

    @property
    def limits(self) -> ServiceLimits: ...

    def check(self, stream: str) -> None:
        """Raise ConfigError, with advice, for what can be no stream of the service."""
        ...

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        """These streams in groups that one request may ask for."""
        ...

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        """The text that asks for one batch. `request` is a number from 1, new on each connection for each request."""
        ...

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        """The text that takes one batch back."""
        ...

    def list_streams(self, request: int) -> str | None:
        """The text that asks what we are subscribed to; None where the service cannot say."""
        ...

    def ping(self, request: int) -> str | None:
        """A ping in the service's own form; None where it has none, or needs none."""
        ...

    def read(self, message: str | bytes) -> Reading:
        """What a message is. What makes no sense is an Update of stream None."""
        ...

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:
        """The streams that dialling this endpoint asks for by itself, without a request."""
        ...

    def patience(self, stream: str) -> Patience:
        """How long this stream may be silent by its nature."""
        ...

    def verdict(self, failure: Failure) -> Verdict | None:
        """What a failure means at this service, where that is not what it usually means."""
        ...


@runtime_checkable
class KnowsSymbols(Protocol):
    """A dialect that has this, too, keeps the streams of a symbol on one connection."""

    def symbol(self, stream: str) -> str:
        """What the stream is about, such as `btcusdt`."""
        ...


def symbol_of(dialect: Dialect, stream: str) -> str:
    """What the stream is about; where the dialect does not tell, each stream stands for itself."""
    return dialect.symbol(stream) if isinstance(dialect, KnowsSymbols) else stream


@dataclass(frozen=True, slots=True)
class Service:
    """What `open_feed` takes in place of a URL: a dialect, where to dial, and the streams to begin with.

    Raises ConfigError for what is no dialect, and no list of names.
    """

    dialect: Dialect
    source: Source | Sequence[Source]
    streams: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        missing = [name for name in sorted(_PARTS) if not hasattr(self.dialect, name)]
        need(not missing, "dialect", self.dialect, f"a Dialect: it has no {', '.join(missing)}")
        streams: object = self.streams
        is_list = isinstance(streams, Iterable) and not isinstance(streams, str | bytes)
        need(is_list, "streams", streams, 'a list of names, such as ("btcusdt@trade",)')
        object.__setattr__(self, "streams", tuple(self.streams))


def check_streams(dialect: Dialect, streams: Iterable[str]) -> None:
    """Raise ConfigError for what can be no stream of this service."""
    for stream in streams:
        if not isinstance(stream, str):
            raise ConfigError(f"stream {stream!r} is no str: give names as {dialect.name} writes them")
        dialect.check(stream)
