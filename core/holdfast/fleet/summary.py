"""All shards of a feed in one account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from holdfast.compiled import accelerator
from holdfast.events import Closed
from holdfast.stats import LAG_BOUNDS, RTT_BOUNDS, FeedStats, Histogram, ShardStats
from holdfast.supervisor import ItemQueue, Tally

_FURTHEST_LAST = ("idle", "waiting", "connecting", "open")


def summed_up(
    shards: Mapping[int, ShardStats],
    past: Tally,
    queue: ItemQueue,
    *,
    dropped: int,
    stalls: int,
    end: str | None,
    closed: Closed | None,
    now: float,
    unix_time: float,
) -> FeedStats:
    """`past`: of shards that are no more. `end`: the state of a feed that has ended, `closed`: its last item."""
    all_ = list(shards.values())
    causes: Counter[str] = Counter(past.gap_causes)
    for one in all_:
        causes.update(one.gap_causes)
    losses: Counter[str] = Counter(past.losses)
    for one in all_:
        losses.update(one.losses)
    # Of those that are down, if any is: what happened to them is what one wants to know.
    failures = [one.last_failure for one in sorted(all_, key=lambda one: one.state == "open") if one.last_failure]
    return FeedStats(
        state=end or min((one.state for one in all_), key=_FURTHEST_LAST.index),
        messages=past.messages + sum(one.messages for one in all_),
        received_bytes=past.bytes + sum(one.received_bytes for one in all_),
        queued_messages=queue.count,
        queued_bytes=queue.size,
        dropped=dropped,
        dials=past.dials + sum(one.dials for one in all_),
        connections=past.connections + sum(one.connections for one in all_),
        attempt=max(one.attempt for one in all_),
        gaps=past.gaps + sum(one.gaps for one in all_),
        stalls=stalls,
        rotations=past.rotations + sum(one.rotations for one in all_),
        losses=dict(losses),
        connected_for=_most(one.connected_for for one in all_),
        data_age=_least(one.data_age for one in all_),
        byte_age=_least(one.byte_age for one in all_),
        rtt=_most(one.rtt for one in all_),
        last_failure=failures[0] if failures else str(past.last_failure) if past.last_failure else None,
        legs=tuple(leg for one in all_ for leg in one.legs),
        shards=shards,
        rebalances=past.rebalances + sum(one.rebalances for one in all_),
        accelerator=accelerator,
        at=now,
        unix_time=unix_time,
        streams=sum(one.streams for one in all_),
        rate=sum(one.rate for one in all_),
        byte_rate=sum(one.byte_rate for one in all_),
        rtts=Histogram.sum_of(RTT_BOUNDS, [past.rtts.read, *(one.rtts for one in all_)]),
        lags=Histogram.sum_of(LAG_BOUNDS, [past.lags.read, *(one.lags for one in all_)]),
        gap_causes=dict(causes),
        gap_seconds=past.gap_seconds + sum(one.gap_seconds for one in all_),
        uptime=max((one.uptime for one in all_), default=0.0),
        connect_age=_least(one.connect_age for one in all_),
        ended=None if closed is None else _why(closed),
    )


def _why(closed: Closed) -> str:
    return "" if closed.failure is None else f"{closed.failure} ({closed.reason})"


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
