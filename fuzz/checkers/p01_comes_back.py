"""Promise 1: if the network is good for long enough, the feed is open, and delivers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker, text_of
from holdfast import Cause, Closed, Disconnected, Item

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_POLICY_CODES = {1002, 1003, 1007, 1008, 1009, 1010, *range(4000, 5000)}


class ComesBack(Checker):
    promise = 1

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._last_message = 0.0
        self._policy_closes = 0
        self._replaced_at = -math.inf
        self._closed: Closed | None = None

    def on_item(self, item: Item, now: float) -> None:
        if text_of(item) is not None:
            self._last_message = now
        elif isinstance(item, Disconnected):
            if item.failure.cause is Cause.STREAM_SILENT:
                self._replaced_at = item.at
            self._policy_closes += item.failure.code in _POLICY_CODES
        elif isinstance(item, Closed):
            self._closed = item

    def after_healing(self, now: float) -> None:
        if self._closed is not None:
            self._judge_giving_up(self._closed)
            return
        if not self.voyage.fleet.is_open and not self._was_too_old(now) and not self._was_replaced(now):
            self.fail(f"not open {self.voyage.longest_way_back:g} s after everything was healed")
        if self._last_message < now - self.voyage.longest_way_back:
            self.fail(f"open, and no message since {self._last_message:g} s")

    def _was_too_old(self, now: float) -> bool:
        """Whether the service closed a connection for its age so lately that the next may not be there yet."""
        lately = now - self.voyage.longest_redial
        connections = self.voyage.exchange.ledger.connections
        return any(one.closed_by == "max_age" and (one.closed_at or 0.0) >= lately for one in connections)

    def _was_replaced(self, now: float) -> bool:
        """Likewise, whether the feed itself has lately replaced one for a stream that is never published."""
        return bool(self.voyage.plan.rules.silent) and self._replaced_at >= now - self.voyage.longest_redial

    def _judge_giving_up(self, closed: Closed) -> None:
        """A feed may end by itself only for reasons that its settings give."""
        cause = closed.failure.cause if closed.failure else None
        if cause is Cause.OVERFLOW and self.config.overflow.policy == "fail":
            return
        if cause in (Cause.CLOSED, Cause.PROTOCOL) and self._policy_closes >= self.config.retry.max_policy_closes:
            return
        self.fail(f"gave up: {closed.failure}, {closed.reason}")
