"""Promise 2, where connections are lost often: a shard that loses far more of them than others goes on elsewhere, and
that all are unsteady is told; both by what was lost within the period, and not otherwise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker
from fuzz.checkers.p02_redirects_followed import leads_to
from holdfast import Closed, Connected, ConnectFailed, Connecting, Disconnected, Event, Rebalanced, Unsteady

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_LEAST_SHARDS = 3
_LONGEST_EXCUSE = 3600.0  # seconds, after a failure that strikes out an endpoint for a while


class UnrestTold(Checker):
    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._losses: list[tuple[float, int]] = []  # when, and of which shard
        self._untold: list[float] = []
        self._owed: dict[type[Event], tuple[float, str]] = {}  # since when, and what is wrong if it never comes
        self._open: dict[int, int] = {}  # shards, by connection
        self._goes_to: dict[int, str] = {}  # by shard: where the next dial must go
        self._excused_until = -math.inf
        if voyage.roster is not None:
            voyage.roster.on_gone.append(self._shard_gone)

    def _shard_gone(self, shard: int, conns: list[int]) -> None:
        self._owed.pop(Rebalanced, None)
        self._forget(shard)
        self._goes_to.pop(shard, None)
        for conn in conns:
            self._open.pop(conn, None)

    def _forget(self, shard: int) -> None:
        self._losses = [loss for loss in self._losses if loss[1] != shard]

    @property
    def _shards(self) -> int:
        return 1 if self.voyage.roster is None else len(self.voyage.roster.loads)

    def on_event(self, event: Event) -> None:
        setting = self.config.rebalance
        if setting is None:
            return
        self._owed.pop(type(event), None)
        if isinstance(event, Closed):
            self._owed.clear()
        elif isinstance(event, (Disconnected, ConnectFailed)):
            self._note_failure(event)
        elif isinstance(event, Connected):
            self._open[event.conn] = self.voyage.shard_of(event.conn)
        elif isinstance(event, Connecting):
            if self._owed:
                self._judge_owed(event.at)
            url = self._goes_to.pop(self.voyage.shard_of(event.conn), event.url)
            if url != event.url:
                self.fail(f"dial {event.conn} goes to {event.url}; its shard was moved to {url}")
        elif isinstance(event, Rebalanced):
            self._judge_move(event)
        elif isinstance(event, Unsteady):
            average = len(self._untold) / self._shards
            if average < setting.tell_after or abs(average - event.reconnects) > EPSILON:
                self.fail(f"{event}, and connections were lost {average:g} times on average")
            self._untold.clear()

    def _note_failure(self, event: Disconnected | ConnectFailed) -> None:
        setting = self.config.rebalance
        assert setting is not None
        if event.failure.header("retry-after") or event.failure.code in (1002, 1003, *range(1007, 1011)):
            self._excused_until = event.at + _LONGEST_EXCUSE
        if (event.failure.code or 0) >= 4000 or leads_to(event.failure) is not None:
            self._excused_until = event.at + _LONGEST_EXCUSE
        if isinstance(event, ConnectFailed):
            return
        self._open.pop(event.conn, None)
        shard = self.voyage.shard_of(event.conn)
        self._losses.append((event.at, shard))
        self._untold.append(event.at)
        before = event.at - setting.period
        self._losses = [loss for loss in self._losses if loss[0] > before]
        self._untold = [at for at in self._untold if at > before]
        self._note_owed(event.at, shard)

    def _counts(self, shard: int) -> tuple[int, float]:
        """How often it lost its connection, and the others on average."""
        mine = sum(one == shard for _, one in self._losses)
        return mine, (len(self._losses) - mine) / max(1, self._shards - 1)

    def _is_restless(self, shard: int) -> bool:
        setting = self.config.rebalance
        assert setting is not None
        if self._shards < _LEAST_SHARDS or self.config.legs > 1 or len(self.config.targets) == 1:
            return False
        mine, others = self._counts(shard)
        return mine >= setting.after and mine >= setting.factor * others

    def _judge_move(self, event: Rebalanced) -> None:
        shard = event.shard
        assert shard is not None
        mine, others = self._counts(shard)
        if not self._is_restless(shard) or mine != event.reconnects or abs(others - event.others) > EPSILON:
            self.fail(f"{event}; it was lost {mine} times, and the others {others:g} times")
        if shard in self._open.values() and not self.voyage.plan.overlaps:
            self.fail(f"{event}, though it is open")
        self._forget(shard)
        self._goes_to[shard] = event.url

    def _note_owed(self, at: float, shard: int) -> None:
        """What must be told of that loss before anything later happens."""
        setting = self.config.rebalance
        assert setting is not None
        if len(self._untold) >= setting.tell_after * self._shards:
            self._owed[Unsteady] = at, f"connections were lost {len(self._untold)} times, and nobody was told"
        # Where connections overlap, the successor may be on its way already.
        if self._is_restless(shard) and not self.voyage.plan.overlaps and self._excused_until < at:
            mine, _ = self._counts(shard)
            self._owed[Rebalanced] = at, f"shard {shard} lost its connection {mine} times, and goes on where it was"

    def _judge_owed(self, now: float) -> None:
        for at, problem in self._owed.values():
            if at < now:
                self.fail(problem)
