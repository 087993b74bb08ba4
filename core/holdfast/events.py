"""What the consumer is told, in order among the messages. Every `at` is seconds on the driver's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.failures import Failure


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; a message is never one: messages are plain `str` or `bytes`."""

    at: float


@dataclass(frozen=True, slots=True)
class Connecting(Event):
    """A dial begins. `attempt` counts dials since the last healthy connection, from 1; `url` hides secrets."""

    conn: int
    url: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """The opening handshake succeeded, `took` seconds after the dial."""

    conn: int
    url: str
    took: float
    subprotocol: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectFailed(Event):
    """A dial, or its handshake, failed."""

    conn: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """An open connection was lost, or is being replaced, after `lasted` seconds."""

    conn: int
    failure: Failure
    lasted: float


@dataclass(frozen=True, slots=True)
class RetryScheduled(Event):
    """The next dial is `delay` seconds away; it will be number `attempt` since the last healthy connection."""

    delay: float
    attempt: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Redirected(Event):
    """The server sent us elsewhere (HTTP 3xx); that is dialled at once."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Gap(Event):
    """Between `since` and `until` messages may have been lost, because of `cause`.

    It stands before the first message after the loss. `since` is when the last byte arrived before it; after a silence
    of data, when the last message did. `dropped` is the number of messages that we dropped ourselves, for want of a
    consumer; what a server sent in vain nobody can count.
    """

    since: float
    until: float
    cause: Failure
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class PongReceived(Event):
    """The answer to our ping, `rtt` seconds after it was written."""

    conn: int
    rtt: float


@dataclass(frozen=True, slots=True)
class Stale(Event):
    """The connection is open, and no message arrived for `silent` seconds."""

    conn: int
    silent: float


@dataclass(frozen=True, slots=True)
class Stall(Event):
    """Our own process did not run for at least `duration` seconds. No peer was blamed for it."""

    duration: float


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The consumer is `queued` bytes behind: reading stopped at the bound of the queue. Nothing is lost."""

    queued: int


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """The consumer caught up to half of the bound: reading goes on."""

    queued: int


@dataclass(frozen=True, slots=True)
class EventsDropped(Event):
    """So many events (never a Gap) were left out: nobody took any, and they would have filled the memory."""

    count: int


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The last item of a feed. `failure` is None after `close()`, else what made the feed give up, for `reason`."""

    failure: Failure | None = None
    reason: str = ""


Message = str | bytes
Item = str | bytes | Event
