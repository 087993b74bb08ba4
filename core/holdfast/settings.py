"""The groups of settings: frozen, checked when made, with errors that say what to do. Times: seconds; sizes: bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from holdfast.checks import between, count, need, number, positive, positive_or_none
from holdfast.records import dataclass

if TYPE_CHECKING:
    from holdfast.events import Gap

KIB = 1024
MIB = 1024 * 1024
# What an item costs beside its bytes: an object's head, a place in a list. Without it a flood of tiny messages would
# take twenty times the bound of a queue.
ITEM_COST = 64


@dataclass(frozen=True, slots=True)
class Keepalive:
    """A ping every `interval` seconds; the peer is dead when nothing at all came for `timeout` seconds after one.

    Any byte received since the ping proves life, not only its pong. `interval=None` sends none of these: then a peer
    that vanished is found only by `Staleness`. Where one connection takes over from another (`Rotation`, `legs`), a few
    pings are sent all the same, for what their answers prove; who leaves them unanswered is not judged by that.
    """

    interval: float | None = 20.0
    timeout: float = 20.0

    def __post_init__(self) -> None:
        positive_or_none("Keepalive.interval", self.interval)
        positive("Keepalive.timeout", self.timeout)


@dataclass(frozen=True, slots=True)
class Staleness:
    """Silence of data: an open connection on which no message arrived for `after` seconds. Pings are not data.

    It is reported as `Stale`; with `reconnect=True` the connection is replaced too. A feed that may be quiet for
    long must not be torn down for it, so that is off until asked for. `after=None` watches nothing.
    """

    after: float | None = 60.0
    reconnect: bool = False

    def __post_init__(self) -> None:
        positive_or_none("Staleness.after", self.after)
        need(isinstance(self.reconnect, bool), "Staleness.reconnect", self.reconnect, "True or False")
        alone = self.reconnect and self.after is None
        need(not alone, "Staleness.reconnect", self.reconnect, "used with a number of seconds for after")


@dataclass(frozen=True, slots=True)
class Rotation:
    """Replacing a connection by a fresh one before it is lost, without a gap: the old one goes on meanwhile.

    A connection is rotated when it is `max_age` seconds old (None: as old as the service lets it be, where its dialect
    says; else never), earlier by up to the share `jitter` (0 to 1) of that, drawn at random, so that connections do not
    rotate together; when the service announces that it will end it; and when one of its streams fell silent. `window`:
    hours of the day in UTC, such as `("02:00", "04:00")`, to which rotation by age moves forward; if the age is reached
    outside of them all the same, it is not waited for.

    When the new connection has what is wanted, each stream is handed over as soon as it is proven that nothing lies
    between. For what is not proven after `overlap_timeout` seconds, a gap is declared.
    """

    max_age: float | None = None
    jitter: float = 0.1
    overlap_timeout: float = 10.0
    window: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        positive_or_none("Rotation.max_age", self.max_age)
        need(number(self.jitter) and 0 <= self.jitter <= 1, "Rotation.jitter", self.jitter, "a number from 0 to 1")
        positive("Rotation.overlap_timeout", self.overlap_timeout)
        if self.window is not None:
            given = self.window
            is_pair = isinstance(given, tuple) and len(given) == 2
            advice = 'two times of day in UTC, such as ("02:00", "04:00"), or None'
            need(
                is_pair and all(map(_is_time_of_day, given)) and given[0] != given[1], "Rotation.window", given, advice
            )

    @property
    def window_seconds(self) -> tuple[int, int] | None:
        """Where the window begins and how long it is, in seconds of the day."""
        if self.window is None:
            return None
        begin, end = (int(time[:2]) * 3600 + int(time[3:]) * 60 for time in self.window)
        return begin, (end - begin) % 86_400


ResyncFunction = Callable[[str, "Gap | None"], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Resync:
    """Snapshots for streams that tell of changes only, such as books.

    `function`: an async function of a stream's name and of the gap before it (None at the beginning) that fetches a
    snapshot. It runs at the first message of a stream, and at the first one after every gap. Meanwhile the stream's
    messages are held; then `Resynced` with what it returned stands before them. `streams`: a pattern, or several, such
    as `*@depth*`.

    A function that raises, or takes more than `timeout` seconds, is run again after the pauses of the feed's `Backoff`.
    `max_held`: bytes that are held, of all streams together; beyond it the older half of the largest is dropped, with a
    gap. `at_once`: how many may run at the same time.
    """

    function: ResyncFunction = field(repr=False)
    streams: str | Sequence[str] = "*"
    timeout: float = 10.0
    max_held: int = 16 * MIB
    at_once: int = 4

    def __post_init__(self) -> None:
        need(callable(self.function), "Resync.function", self.function, "an async function of a stream and a gap")
        texts = isinstance(self.streams, str | list | tuple) and all(
            isinstance(one, str) and one for one in self.patterns
        )
        need(texts and self.patterns, "Resync.streams", self.streams, 'a pattern such as "*@depth*", or several')
        positive("Resync.timeout", self.timeout)
        count("Resync.max_held", self.max_held)
        count("Resync.at_once", self.at_once)

    @property
    def patterns(self) -> tuple[str, ...]:
        return (self.streams,) if isinstance(self.streams, str) else tuple(self.streams)


@dataclass(frozen=True, slots=True)
class Sharding:
    """How the streams of a feed are spread over several connections, where they are more than one may carry.

    `max_streams_per_connection` and `max_symbols_per_connection` (the streams of a symbol stay together): beside what
    the service demands; the lower number counts. `max_connections`: of the feed, those of all legs together; rotation
    opens one more for a while. None: no bound. `ends_with`: whether the feed gives up with the "last" of its shards, or
    with the "first" that no retry can help.
    """

    max_streams_per_connection: int | None = None
    max_symbols_per_connection: int | None = None
    max_connections: int | None = None
    ends_with: Literal["last", "first"] = "last"

    def __post_init__(self) -> None:
        for name in ("max_streams_per_connection", "max_symbols_per_connection", "max_connections"):
            if getattr(self, name) is not None:
                count(f"Sharding.{name}", getattr(self, name))
        need(self.ends_with in ("last", "first"), "Sharding.ends_with", self.ends_with, "'last' or 'first'")


@dataclass(frozen=True, slots=True)
class Rebalance:
    """What is done about a shard that loses its connection far more often than the others of its feed.

    One that lost it `after` times or more within `period` seconds, and `factor` times as often as the others did on
    average, dials the next endpoint, and prefers that from then on. It is moved while it is down, so that there is no
    gap beside the one that there is. That takes three shards, two endpoints, and one leg.

    When every shard has lost its connection `tell_after` times on average within `period`, that is told as `Unsteady`,
    of feeds with one shard and one endpoint, too.
    """

    after: int = 5
    factor: float = 3.0
    period: float = 3600.0
    tell_after: int = 10

    def __post_init__(self) -> None:
        count("Rebalance.after", self.after)
        need(number(self.factor) and self.factor >= 1, "Rebalance.factor", self.factor, "a number of at least 1")
        positive("Rebalance.period", self.period)
        count("Rebalance.tell_after", self.tell_after)


def _is_time_of_day(text: object) -> bool:
    if not isinstance(text, str) or len(text) != 5 or text[2] != ":":
        return False
    hours, minutes = text[:2], text[3:]
    return hours.isdecimal() and minutes.isdecimal() and text.isascii() and int(hours) < 24 and int(minutes) < 60


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
        positive("Backoff.initial", self.initial)
        need(number(self.factor) and self.factor >= 1, "Backoff.factor", self.factor, "a number of at least 1")
        positive("Backoff.maximum", self.maximum)
        need(
            self.maximum >= self.initial, "Backoff.maximum", self.maximum, f"at least Backoff.initial = {self.initial}"
        )
        need(number(self.jitter) and 0 <= self.jitter <= 1, "Backoff.jitter", self.jitter, "a number from 0 to 1")

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
        positive("Retry.stable_after", self.stable_after)
        if self.max_attempts is not None:
            count("Retry.max_attempts", self.max_attempts)
        count("Retry.max_policy_closes", self.max_policy_closes)
        count("Retry.max_redirects", self.max_redirects, least=0)
        positive("Retry.retry_after_cap", self.retry_after_cap)


@dataclass(frozen=True, slots=True)
class DialWindow:
    """At most `count` dials to one host in any `period` seconds (Binance: 300 in 300 s per IP, checked 2026-04)."""

    count: int = 300
    period: float = 300.0

    def __post_init__(self) -> None:
        count("DialWindow.count", self.count)
        positive("DialWindow.period", self.period)


@dataclass(frozen=True, slots=True)
class MessageWindow:
    """At most `count` messages to the server on one connection in any `period` seconds; what is more waits its turn.

    `counts_control`: whether pings and pongs count; then `reserve` of the messages are kept for pongs. `margin`:
    seconds by which the network may bunch what was sent apart, so that the server, too, sees no more than `count` in
    `period`.
    """

    count: int
    period: float = 1.0
    counts_control: bool = True
    reserve: int = 1
    margin: float = 0.25

    def __post_init__(self) -> None:
        count("MessageWindow.count", self.count)
        positive("MessageWindow.period", self.period)
        count("MessageWindow.reserve", self.reserve, least=0)
        need(self.reserve < self.count, "MessageWindow.reserve", self.reserve, f"less than count = {self.count}")
        need(
            isinstance(self.counts_control, bool), "MessageWindow.counts_control", self.counts_control, "True or False"
        )
        need(number(self.margin) and self.margin >= 0, "MessageWindow.margin", self.margin, "0 seconds or more")


@dataclass(frozen=True, slots=True)
class Subscribing:
    """How streams are asked for. A request that was not acknowledged within `ack_timeout` seconds is repeated; after
    `max_asks` of a stream in vain the connection is replaced. Every `audit_every` seconds the service is asked what it
    believes that we are subscribed to, where it can say; None: never.
    """

    ack_timeout: float = 10.0
    max_asks: int = 3
    audit_every: float | None = 300.0

    def __post_init__(self) -> None:
        positive("Subscribing.ack_timeout", self.ack_timeout)
        count("Subscribing.max_asks", self.max_asks)
        positive_or_none("Subscribing.audit_every", self.audit_every)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`connect`: from the dial to the accepted handshake: name lookup, TCP, proxy, TLS. `close`: all of closing."""

    connect: float = 10.0
    close: float = 5.0

    def __post_init__(self) -> None:
        positive("Timeouts.connect", self.connect)
        positive("Timeouts.close", self.close)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on memory, in bytes.

    `max_message_size`: one message; a longer one is refused from its announced length (close 1009).
    `max_handshake_size`: the server's answer to the opening handshake; a proxy's to CONNECT.
    `max_queue_size`: messages received and not yet taken by the consumer, with 64 bytes for each; what happens at the
    bound is `Overflow`.
    `max_write_size`: bytes given to the transport that the peer has not taken; beyond it the connection ends.
    """

    max_message_size: int = 16 * MIB
    max_handshake_size: int = 64 * KIB
    max_queue_size: int = 64 * MIB
    max_write_size: int = 64 * MIB

    def __post_init__(self) -> None:
        count("Limits.max_message_size", self.max_message_size)
        count("Limits.max_handshake_size", self.max_handshake_size, least=256)
        count("Limits.max_queue_size", self.max_queue_size)
        count("Limits.max_write_size", self.max_write_size)


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
    key: Callable[[Any], Hashable] | None = None

    def __post_init__(self) -> None:
        allowed = ("pause", "drop_oldest", "drop_newest", "conflate", "fail")
        need(self.policy in allowed, "Overflow.policy", self.policy, f"one of {', '.join(allowed)}")
        if self.policy == "conflate":
            need(callable(self.key), "Overflow.key", self.key, "a function of a message, for policy conflate")
        else:
            need(self.key is None, "Overflow.key", self.key, "left out: only policy conflate uses it")


@dataclass(frozen=True, slots=True)
class Deflate:
    """Compression, permessage-deflate (RFC 7692): offered to the server, which may decline it.

    `..._no_context_takeover`: that side compresses each message on its own, not with the help of those before it.
    `..._max_window_bits`: how far back that side may refer, as a power of two (15: 32 KiB). What is asked of the server
    it must grant: if it answers otherwise the dial fails. The server may ask the same of us.
    `level` (1 fast to 9 small) and `memory_level` (1 to 9) are zlib's, for what we send. Messages of fewer than
    `threshold` bytes are sent as they are.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15
    level: int = 6
    memory_level: int = 8
    threshold: int = 1024

    def __post_init__(self) -> None:
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            need(isinstance(getattr(self, name), bool), f"Deflate.{name}", getattr(self, name), "True or False")
        between("Deflate.server_max_window_bits", self.server_max_window_bits, 8, 15)
        # zlib cannot compress without a header for a window of 8 bits.
        between("Deflate.client_max_window_bits", self.client_max_window_bits, 9, 15)
        between("Deflate.level", self.level, 1, 9)
        between("Deflate.memory_level", self.memory_level, 1, 9)
        count("Deflate.threshold", self.threshold)
