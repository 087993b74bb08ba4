"""What `feed.stats()` and `feed.stream_stats()` return."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.records import dataclass

# Seconds. What a round trip and the way of a message take, from one machine to another continent in trouble.
RTT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many of some durations lay within which bound.

    `bounds`: seconds, ascending. `counts`: for each bound, how many were within it and above the one before; and one
    more, for those above all. `total`: their sum, seconds.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float = 0.0

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """Seconds within which that share (0 to 1) of them lay: the bound of its bucket, inf above all bounds; None if
        there are none.
        """
        wanted, seen = share * self.count, 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            seen += count
            if count and seen >= wanted:
                return bound
        return None

    @classmethod
    def sum_of(cls, bounds: tuple[float, ...], histograms: list[Histogram]) -> Histogram:
        """All of them together. They have these bounds."""
        columns = zip(*(one.counts for one in histograms), strict=True)
        counts = tuple(map(sum, columns)) or (0,) * (len(bounds) + 1)
        return cls(bounds, counts, sum(one.total for one in histograms))


@dataclass(frozen=True, slots=True)
class StreamStats:
    """One stream at one moment. Ages are seconds, None where there was no such thing yet.

    `shard`: the number of the one that carries it. `state`: wanted, asked, subscribed or refused. `messages` and
    `bytes` (of their texts, a character counted as one): received since it is wanted, on all connections, so that what
    two legs bring counts twice. `rate`: of these, messages a second over the latest 5 to 10 seconds. `lag`: by how much
    a message was older, by the service's event time, than our wall clock; of the latest that was looked at, which are
    few. `silent`: it was silent for longer than its patience, and still is.
    """

    shard: int
    state: str
    messages: int
    bytes: int
    rate: float
    data_age: float | None
    lag: float | None
    silent: bool


@dataclass(frozen=True, slots=True)
class LegStats:
    """One leg at one moment; while it is rotated, the connection that is to take over is a leg of its own.

    `conn`: the number of its connection, None between two. `state`: idle, connecting, open, waiting or ended. `url`:
    where it is connected, or is dialled next, secrets masked; where a function makes endpoints, its name.
    `connected_for`: seconds since it opened, None unless it is open.

    `first`: messages that it was the first to bring, so that they were delivered; without another leg, all.
    `duplicates`: messages that another one had brought before. `lateness`: seconds between the two, of the latest
    duplicate; None before the first. `losses`: its connections and dials that failed, by cause. These are kept through
    reconnects, and a rotation hands them on.
    """

    conn: int | None
    state: str
    url: str
    connected_for: float | None
    first: int
    duplicates: int
    lateness: float | None
    losses: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ShardStats:
    """One shard at one moment. Ages and times are seconds, None where there was no such thing yet.

    `state`: idle, connecting, open, waiting, closing or closed. `streams`: how many are wanted. `attempt`: dials since
    the last healthy connection. `losses`: connections and dials that failed, by cause. `received_bytes`: on the wire,
    frame headers included. `messages`: delivered, each once. `rotations`: those that were carried through. `legs`: the
    connections that carry the shard; one, unless more were asked for or a rotation is under way. `rebalances`: how
    often it was moved to another endpoint by `Rebalance`.

    `unacknowledged`: streams that are wanted, and neither acknowledged nor refused; `refused`, `silent`: how many are.
    `stale`: it is open, and no message came for longer than `Staleness.after`. `rate`, `byte_rate`: messages, and bytes
    on the wire, a second over the latest 5 to 10 seconds. `history`: messages a second in each of the latest intervals
    of 5 seconds, oldest first, up to 60 of them. `rtts`: from each ping to its pong. `lags`: by how much messages were
    older, by the service's event time, than our wall clock when they were delivered; a few a second are looked at.
    `gap_causes`: gaps by cause; `gap_seconds`: how long they were together. `uptime`: seconds since it began;
    `open_for`: of these, with an open connection. `connect_age`: since the last time that a connection opened.
    """

    state: str
    streams: int
    messages: int
    received_bytes: int
    dials: int
    connections: int
    attempt: int
    gaps: int
    rotations: int
    losses: Mapping[str, int]
    connected_for: float | None
    data_age: float | None
    byte_age: float | None
    rtt: float | None
    last_failure: str | None
    legs: tuple[LegStats, ...]
    unacknowledged: int
    refused: int
    silent: int
    stale: bool
    rate: float
    byte_rate: float
    history: tuple[float, ...]
    rtts: Histogram
    lags: Histogram
    gap_causes: Mapping[str, int]
    gap_seconds: float
    uptime: float
    open_for: float
    connect_age: float | None
    rebalances: int = 0


@dataclass(frozen=True, slots=True)
class FeedStats:
    """One feed at one moment: all shards together. Fields of the same name are as in `ShardStats`.

    Counters are sums, those of shards that are no more included. `state` is that of the shard that got least far, and
    `attempt` and `rtt` the highest of all; `connected_for` is the longest, and the ages are the latest.
    `dropped`: messages, by `Overflow`. `shards`: each, by number. `accelerator`: the compiled loops that are in
    use, and their version; None: everything runs in Python. `callback_errors`: how often a function given to
    `Feed.listen` raised. `at`: the moment, seconds on the driver's monotonic clock, as in events; `unix_time`: the same
    as seconds since 1970, by the wall clock as it was given to the machine. `ended`: why the feed has ended ("" after
    `close()`), None until then.
    """

    state: str
    messages: int
    received_bytes: int
    queued_messages: int
    queued_bytes: int
    dropped: int
    dials: int
    connections: int
    attempt: int
    gaps: int
    stalls: int
    rotations: int
    losses: Mapping[str, int]
    connected_for: float | None
    data_age: float | None
    byte_age: float | None
    rtt: float | None
    last_failure: str | None
    legs: tuple[LegStats, ...]
    shards: Mapping[int, ShardStats]
    accelerator: str | None
    at: float
    unix_time: float
    streams: int
    rate: float
    byte_rate: float
    rtts: Histogram
    lags: Histogram
    gap_causes: Mapping[str, int]
    gap_seconds: float
    uptime: float
    connect_age: float | None
    ended: str | None
    callback_errors: int = 0
    rebalances: int = 0
