"""What the consumer is told, in order among the messages. Every `at` is seconds on the driver's monotonic clock."""

from __future__ import annotations

from dataclasses import field
from typing import Any, NamedTuple

from holdfast.dialects.words import Update
from holdfast.failures import Failure
from holdfast.records import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; a message is never one: messages are plain `str` or `bytes`, or an `Update`."""

    at: float


@dataclass(frozen=True, slots=True)
class ShardEvent(Event):
    """Base of those that concern one shard of the feed's, and name no connection.

    `shard`: its number, as in `Feed.shards`; None where the feed has one shard only, or all of them are concerned.
    """

    shard: int | None = field(default=None, kw_only=True)


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
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


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
class RetryScheduled(ShardEvent):
    """The next dial is `delay` seconds away; it will be number `attempt` since the last healthy connection."""

    delay: float
    attempt: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Redirected(ShardEvent):
    """The server sent us elsewhere (HTTP 3xx); that is dialled at once."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Gap(ShardEvent):
    """Between `since` and `until` messages may have been lost, because of `cause`.

    It stands before the first message after the loss. `since` is when the last byte arrived before it; after a silence
    of data, when the last message did. `dropped` is the number of messages that we dropped ourselves, for want of a
    consumer; what a server sent in vain nobody can count. `stream` is the one that the gap is in; None for all of the
    connection's: with several shards, those of `shard` (`Feed.shards` says which these are). `first_missing` and
    `last_missing` are the service's numbers, where they tell. `filled_by`: the connection that had brought everything
    when this one was lost, so that nothing is missing; only `Feed.gaps` shows such gaps, the consumer need not know.
    """

    since: float
    until: float
    cause: Failure
    dropped: int = 0
    stream: str | None = None
    first_missing: int | None = None
    last_missing: int | None = None
    filled_by: int | None = None


@dataclass(frozen=True, slots=True)
class Rotating(Event):
    """Connection `conn` is to be replaced by a fresh one, and goes on until that is proven to miss nothing."""

    conn: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rotated(Event):
    """Connection `conn` has taken over from `previous`, `took` seconds after that was begun."""

    conn: int
    previous: int
    took: float


@dataclass(frozen=True, slots=True)
class LegEnded(ShardEvent):
    """No retry can help one of several connections, for `reason`. The others go on."""

    failure: Failure
    reason: str


@dataclass(frozen=True, slots=True)
class Resynced(Event):
    """`snapshot` is what the function of `Resync` returned for this stream; what came of it meanwhile stands behind."""

    stream: str
    snapshot: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResyncFailed(Event):
    """The function of `Resync` failed, or took too long. It runs again in `delay` seconds; the stream is held."""

    stream: str
    failure: Failure
    delay: float


@dataclass(frozen=True, slots=True)
class ShardEnded(ShardEvent):
    """No retry can help one of several shards, for `reason`. The others go on; nobody asks for its `streams` any more,
    until `subscribe` names them again.
    """

    failure: Failure
    reason: str
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rebalanced(ShardEvent):
    """A shard lost its connection `reconnects` times, the others `others` times on average: it goes on at `url`."""

    reconnects: int
    others: float
    url: str


@dataclass(frozen=True, slots=True)
class Unsteady(Event):
    """Connections are lost often: every shard's `reconnects` times on average, within `period` seconds."""

    reconnects: float
    period: float


@dataclass(frozen=True, slots=True)
class PongReceived(Event):
    """The answer to our ping, `rtt` seconds after it was written."""

    conn: int
    rtt: float


@dataclass(frozen=True, slots=True)
class Stale(Event):
    """The connection is open, and no data arrived for `silent` seconds: none of `stream`; None for none at all."""

    conn: int
    silent: float
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Lagging(Event):
    """By the service's own event time, a message of this stream was `lag` seconds old when it came.

    It is not reported again before the stream has caught up.
    """

    conn: int
    stream: str
    lag: float


@dataclass(frozen=True, slots=True)
class Subscribed(Event):
    """The service acknowledged these streams."""

    conn: int
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribed(Event):
    """The service does not send these streams any more."""

    conn: int
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionRefused(Event):
    """The service will not give this stream; `reason` are its words. It is asked for again on the next connection."""

    conn: int
    stream: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notified(Event):
    """The service announced something, in `text`. `going_away`: that this connection is about to end."""

    conn: int
    text: str
    going_away: bool = False


@dataclass(frozen=True, slots=True)
class DialectFailed(Event):
    """A function of the dialect raised `error`, or gave what it must not: `read` (the message is an Update of stream
    None), `verdict` (the failure is judged as it usually is), `ping` or `list_streams` (none is sent), or a reply that
    is no text. The feed goes on. Told once a minute for each `function`, however often it fails.
    """

    function: str
    error: str


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
    """The last item of a feed. `failure` is None after `close()`, else what made the feed give up, for `reason`.

    `restart_needed`: by `restart_after`; iteration then raises RestartNeeded.
    """

    failure: Failure | None = None
    reason: str = ""
    restart_needed: bool = False


Message = str | bytes | Update  # an Update where a dialect reads the service's messages
Item = str | bytes | Update | Event


class RecentEvent(NamedTuple):
    """What happened lately, as `Feed.recent_events` has it. `shard`: whose it is; None for all of them, or where there
    is one only. `unix_time`: when, by the wall clock of then. The snapshot is left out of `Resynced`.
    """

    event: Event
    shard: int | None
    unix_time: float
