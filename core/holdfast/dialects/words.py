"""The words between a dialect and the machine: what a message of a service can be."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigError
from holdfast.records import dataclass

if TYPE_CHECKING:
    from holdfast.dialects.models import Model

from holdfast.checks import positive_or_none

ModelReader = Callable[[str | bytes], "list[Model]"]
"""Makes models of the whole text of a message. Raises ValueError for one that is not as documented."""


class Update:
    """Data of one stream, as the service sent it. Nothing of it is parsed before it is asked for.

    `stream` is the name by which it was subscribed to; None for what a dialect cannot make sense of, so that nothing is
    hidden. `text` is the whole message. Dialects subclass this to tell what else a message of theirs says.
    """

    __slots__ = ("stream", "text")

    def __init__(self, stream: str | None, text: str | bytes) -> None:
        self.stream = stream
        self.text = text

    @property
    def data(self) -> str | bytes:
        """The JSON text of the payload, without the service's envelope where it has one."""
        return self.text

    def json(self) -> Any:
        """The payload, parsed. Raises ValueError for what is not JSON."""
        return json_of(self.data)

    def typed(self) -> list[Model]:
        """The payload as types of `holdfast.dialects.models`: one for each thing that it tells of; none for a stream
        that no model describes. Raises ConfigError without msgspec, ValueError for a payload that is not as documented.
        """
        try:
            return _model_reader(type(self), self.stream)(self.text)  # type: ignore[arg-type]  # a class is hashable
        except ModuleNotFoundError as error:
            if error.name != "msgspec":
                raise
            raise ConfigError("typed() needs msgspec: pip install 'holdfast[exchanges]'") from None

    @classmethod
    def model_reader(cls, stream: str) -> ModelReader:  # noqa: ARG003  # dialects look at it
        """How messages of a stream are read. For dialects to override; it is asked once for each stream. The import of
        the models belongs inside: it needs msgspec.
        """
        return no_models

    @property
    def event_time(self) -> float | None:
        """When the service says that it happened, Unix seconds; None if it does not say."""
        return None

    @property
    def key(self) -> Hashable:
        """Two copies of a message, got from two connections, have the same key, and no others of the stream do."""
        return self.text

    def joins(self, previous: Update) -> bool | None:  # noqa: ARG002  # dialects look at it
        """Whether nothing lies between that message of the same stream and this one; None if the service's numbers do
        not tell.
        """
        return None

    @property
    def sequence(self) -> tuple[int, int] | None:
        """The service's numbers for this message in its stream: the first one, which follows the last of the message
        before, and its own last; None where it has none.
        """
        return None

    if TYPE_CHECKING:

        @property
        def further_streams(self) -> tuple[str, ...]:
            """Other streams of which this message brings data, too, where a service puts several into one."""
            ...

    else:
        further_streams = ()  # no property, where there are none: every message is asked

    @property
    def position(self) -> int | None:
        """The number of this message among all of its connection, where the service counts them; then every control
        that it counts has one as well, and a hole means that something of any stream was lost.
        """
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.stream!r}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (other.stream, other.text) == (self.stream, self.text)

    def __hash__(self) -> int:
        return hash((self.stream, self.text))


def no_models(_: str | bytes) -> list[Model]:
    """Of streams that no model describes."""
    return []


@lru_cache(maxsize=8192)
def _model_reader(kind: type[Update], stream: str | None) -> ModelReader:
    return no_models if stream is None else kind.model_reader(stream)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The service took a request, or a part of it.

    `request` is the number that it was sent with; None if the service does not repeat it. `streams` are those meant;
    None for all of the request. `dropped`: they were unsubscribed from (only needed without a number). `rest_again`:
    nothing else of the request was taken, for no fault of its own; it is to be asked for again.
    """

    request: int | None = None
    streams: tuple[str, ...] | None = None
    dropped: bool = False
    rest_again: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The service did not take a request, or a part of it. `reason`: its words. `rest_again` as in `Acknowledged`."""

    reason: str
    request: int | None = None
    streams: tuple[str, ...] | None = None
    rest_again: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What the service says that this connection is subscribed to. `position` as in `Update`."""

    streams: frozenset[str]
    request: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The service lives: a heartbeat, or its answer to a ping of the dialect's; no data. `position` as in `Update`."""

    position: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The service asks for an answer, such as an application-level pong. `text` is to be sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """The service announces something, in `text`. `going_away`: that this connection is about to end."""

    text: str
    going_away: bool = False


Control = Acknowledged | Refused | Listed | Heartbeat | Reply | Notice
Reading = Update | Control


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a stream may bring nothing, in seconds; None for as long as it likes.

    `first`: from the acknowledgement to the first message; None for `silence`. `silence`: from one message to the next.
    `lag`: by how much a message may be older, by the service's own event time, than our wall clock; that is reported,
    the others are mended too.
    """

    first: float | None = None
    silence: float | None = None
    lag: float | None = None

    def __post_init__(self) -> None:
        positive_or_none("Patience.first", self.first)
        positive_or_none("Patience.silence", self.silence)
        positive_or_none("Patience.lag", self.lag)


def json_of(text: str | bytes) -> Any:
    """Parsed with msgspec where it is installed (`holdfast[exchanges]`). Raises ValueError for what is not JSON."""
    try:
        return _decoder()(text)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


@cache
def _decoder() -> Callable[[str | bytes], Any]:
    try:
        from msgspec.json import decode
    except ImportError:
        from json import loads

        return loads
    return decode
