"""What `feed.stats()` returns."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.records import dataclass


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
    rebalances: int = 0


@dataclass(frozen=True, slots=True)
class FeedStats:
    """One feed at one moment: all shards together. Fields of the same name are as in `ShardStats`.

    Counters are sums, those of shards that are no more included. `state` is that of the shard that got least far, and
    `attempt` and `rtt` the highest of all; `connected_for` is the longest, and the ages are the latest.
    `dropped`: messages, by `Overflow`. `shards`: each, by number. `accelerator`: the compiled loops that are in
    use, and their version; None: everything runs in Python. `callback_errors`: how often a function given to
    `Feed.listen` raised.
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
    callback_errors: int = 0
    rebalances: int = 0
