"""Promise 1: if the network is good for long enough, the feed is open, and delivers."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker, text_of
from fuzz.checkers.p02_redirects_followed import leads_to
from fuzz.checkers.p08_loss_declared import number_of
from fuzz.roster import ONLY
from holdfast import Cause, Closed, ConnectFailed, Disconnected, Item, ShardEnded

if TYPE_CHECKING:
    from fuzz.roster import Roster
    from fuzz.voyage import Voyage

_POLICY_CODES = {1002, 1003, 1007, 1008, 1009, 1010, *range(4000, 5000)}


class ComesBack(Checker):
    promise = 1

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._last_message = 0.0
        self._last_of: dict[str, float] = {}
        self._policy_closes: Counter[int] = Counter()  # by shard
        self._replaced_at = -math.inf
        self._closed: Closed | None = None

    def on_item(self, item: Item, now: float) -> None:
        if (text := text_of(item)) is not None:
            self._last_message = now
            if self.voyage.roster is not None:
                self._last_of[number_of(text)[0]] = now
        elif isinstance(item, Disconnected):
            if item.failure.cause is Cause.STREAM_SILENT:
                self._replaced_at = item.at
            self._policy_closes[self.voyage.shard_of(item.conn)] += item.failure.code in _POLICY_CODES
        elif isinstance(item, ConnectFailed):
            shard = self.voyage.shard_of(item.conn)
            self._policy_closes[shard] += item.failure.code in _POLICY_CODES  # while on_connect ran
        elif isinstance(item, ShardEnded):
            assert item.shard is not None
            self._judge_giving_up(item, item.shard)
        elif isinstance(item, Closed):
            self._closed = item

    def after_healing(self, now: float) -> None:
        if self._closed is not None:
            most = self._policy_closes.most_common(1)
            self._judge_giving_up(self._closed, most[0][0] if most else ONLY)
            return
        excused = self._was_too_old(now) or self._was_replaced(now)
        if not self.voyage.fleet.is_open and not excused:
            self.fail(f"not open {self.voyage.longest_way_back:g} s after everything was healed")
        if self.voyage.roster is not None:
            self._judge_each_shard(self.voyage.roster, now)
        elif self._last_message < now - self.voyage.longest_way_back:
            self.fail(f"open, and no message since {self._last_message:g} s")

    def _judge_each_shard(self, roster: Roster, now: float) -> None:
        """Each is open, and brings what there is."""
        states, silent = self.voyage.fleet.stream_states(), self.voyage.plan.rules.silent
        shards = self.voyage.fleet.stats(now).shards
        for number, carried in roster.loads.items():
            streams = [one for one in carried if one not in silent]
            if not streams:
                continue  # it is never healthy
            if shards[number].state != "open" and not self._was_too_old(now) and not self._was_replaced(now):
                self.fail(f"shard {number} is {shards[number].state} {self.voyage.longest_way_back:g} s after healing")
            theirs = [one for one in streams if states[one] == "subscribed"]
            latest = max((self._last_of.get(one, 0.0) for one in theirs), default=math.inf)
            if latest < now - self.voyage.longest_way_back:
                self.fail(f"shard {number} is open, and brought no message since {latest:g} s")

    def _was_too_old(self, now: float) -> bool:
        """Whether the service closed a connection for its age so lately that the next may not be there yet."""
        lately = now - self.voyage.longest_redial
        connections = self.voyage.exchange.ledger.connections
        return any(one.closed_by == "max_age" and (one.closed_at or 0.0) >= lately for one in connections)

    def _was_replaced(self, now: float) -> bool:
        """Likewise, whether the feed itself has lately replaced one for a stream that is never published."""
        return bool(self.voyage.plan.rules.silent) and self._replaced_at >= now - self.voyage.longest_redial

    def _judge_giving_up(self, closed: Closed | ShardEnded, shard: int) -> None:
        """A feed, or one of several shards, may end by itself only for reasons that its settings give."""
        cause = closed.failure.cause if closed.failure else None
        if cause is Cause.OVERFLOW and self.config.overflow.policy == "fail":
            return
        if isinstance(closed, Closed) and closed.restart_needed and self.config.restart_after is not None:
            return  # see RestartAsked
        # Where one name leads in a circle, the others may have been given up for that.
        is_policy = cause in (Cause.CLOSED, Cause.PROTOCOL) or (closed.failure is not None and leads_to(closed.failure))
        if is_policy and self._policy_closes[shard] >= self.config.retry.max_policy_closes:
            return
        self.fail(f"gave up: {closed.failure}, {closed.reason}")
