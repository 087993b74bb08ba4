"""How often connections come and go: when one shard is to go on elsewhere, and when the whole feed is to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from holdfast.config import FeedConfig
from holdfast.events import Disconnected, Event, RetryScheduled, Unsteady
from holdfast.failures import Cause, Failure
from holdfast.supervisor import Shared, Supervisor

_LEAST_SHARDS = 3  # with two nobody knows which of them is the odd one


@dataclass(frozen=True, slots=True)
class Restless:
    """A shard that lost its connection `reconnects` times, while its siblings did so `others` times on average."""

    shard: Supervisor
    reconnects: int
    others: float


class Unrest:
    """Shown the events of all shards as they happen. It gives no input: `Shards` acts when the event is dealt with."""

    __slots__ = (
        "_by_shard",
        "_dials_before",
        "_failure",
        "_losses",
        "_lost",
        "_may_move",
        "_restart_after",
        "_setting",
        "_shared",
        "_untold",
        "is_noted",
    )

    def __init__(self, config: FeedConfig, shared: Shared) -> None:
        self.is_noted = False  # something is to be looked at
        self._restart_after = config.restart_after
        self._setting = config.rebalance
        self._may_move = config.rebalance is not None and len(config.targets) > 1 and config.legs == 1
        self._shared = shared
        self._dials_before = 0  # those until a connection was last known to be healthy
        self._failure: Failure | None = None  # the latest, if no more dials may follow
        self._losses: list[tuple[float, Supervisor]] | None = None  # within the period, once there are any
        self._by_shard: Counter[Supervisor] | None = None  # the same, by shard
        self._lost: Supervisor | None = None  # the latest
        self._untold: list[float] | None = None  # losses since `Unsteady` was last told, within the period

    def note(self, shard: Supervisor, event: Event) -> None:
        """One of a shard's."""
        kind = type(event)
        if kind is RetryScheduled:
            self._note_failure(cast(RetryScheduled, event))
        elif kind is Disconnected and self._setting is not None:
            self._note_loss(shard, event.at)

    def forget(self, shard: Supervisor) -> None:
        """It is no more."""
        self._settle(shard)

    def exhausted(self, shards: Collection[Supervisor]) -> tuple[Failure, str] | None:
        """Why the feed is to end, if it is."""
        failure, self._failure = self._failure, None
        if failure is None:
            return None
        if any(shard.is_healthy for shard in shards):
            self._dials_before = self._shared.dials
            return None
        return failure, f"{self._dials} dials without a healthy connection; that is restart_after"

    def restless(self, shards: Collection[Supervisor]) -> Restless | None:
        """Who is to go on elsewhere: at most one, who has just lost its connection."""
        shard, self._lost = self._lost, None
        setting = self._setting
        if setting is None or shard is None or not self._may_move or len(shards) < _LEAST_SHARDS:
            return None
        assert self._by_shard is not None
        assert self._losses is not None
        mine = self._by_shard[shard]
        others = (len(self._losses) - mine) / (len(shards) - 1)
        if mine < setting.after or mine < setting.factor * others:
            return None
        return Restless(shard, mine, others)

    def moved(self, shard: Supervisor) -> None:
        """It goes on elsewhere: its count begins anew."""
        self._settle(shard)

    def unsteady(self, shards: Collection[Supervisor], now: float) -> Unsteady | None:
        """What is to be told of all together, if anything is."""
        setting = self._setting
        untold = self._untold or []
        if setting is None or not shards or len(untold) < setting.tell_after * len(shards):
            return None
        average, since = len(untold) / len(shards), untold[0]
        self._untold = None
        return Unsteady(now, average, now - since)

    # Inside

    @property
    def _dials(self) -> int:
        """Since then."""
        return self._shared.dials - self._dials_before

    def _note_failure(self, retry: RetryScheduled) -> None:
        if retry.failure.cause is Cause.DIAL_WINDOW:
            return
        if retry.attempt == 1:
            self._dials_before = self._shared.dials  # the connection that was lost had proven itself
        elif self._restart_after is not None and self._dials >= self._restart_after:
            self._failure = retry.failure
            self.is_noted = True

    def _note_loss(self, shard: Supervisor, now: float) -> None:
        assert self._setting is not None
        self.is_noted = True
        self._lost = shard
        losses = self._losses = self._losses or []
        counts = self._by_shard = self._by_shard or Counter()
        untold = self._untold = self._untold or []
        losses.append((now, shard))
        counts[shard] += 1
        untold.append(now)
        before = now - self._setting.period
        while losses[0][0] <= before:
            _, first = losses.pop(0)
            counts[first] -= 1
        while untold[0] <= before:
            del untold[0]

    def _settle(self, shard: Supervisor) -> None:
        if self._by_shard is not None and self._by_shard.pop(shard, 0):
            self._losses = [loss for loss in self._losses or () if loss[1] is not shard]
