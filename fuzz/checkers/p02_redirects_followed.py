"""Promise 2, where a dial leads elsewhere: redirects are followed, at once, and not for ever."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from holdfast import Cause, Connected, ConnectFailed, Endpoint, Event, Failure, Redirected, RetryScheduled

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


def leads_to(failure: Failure) -> str | None:
    """Where a redirect leads; None for what is none."""
    is_redirect = failure.status is not None and 300 <= failure.status < 400
    return failure.header("location") if is_redirect else None


class RedirectsFollowed(Checker):
    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = "redirect" not in voyage.plan.pauses
        self._in_a_row: Counter[int] = Counter()  # by shard
        self._given: str | None = None  # the one that has just come, and its connection's shard
        self._shard = 0
        self._to_dial: list[str] = []
        self._waits = False  # for room in the dial window

    def on_event(self, event: Event) -> None:
        if isinstance(event, ConnectFailed):
            self._given, self._shard = leads_to(event.failure), self.voyage.shard_of(event.conn)
            if self._given is None:
                self._in_a_row[self._shard] = 0
        elif isinstance(event, Connected):
            self._in_a_row[self.voyage.shard_of(event.conn)] = 0
        elif isinstance(event, Redirected):
            self._judge(event)
        elif isinstance(event, RetryScheduled):
            self._waits = event.failure.cause is Cause.DIAL_WINDOW

    def _judge(self, event: Redirected) -> None:
        if event.url != self._given:
            self.fail(f"{event}, and the service said {self._given}")
        self._given = None
        self._in_a_row[self._shard] += 1
        if self._in_a_row[self._shard] > self.config.retry.max_redirects and not self.voyage.plan.overlaps:
            self.fail(f"followed {self._in_a_row[self._shard]} redirects in a row")
        self._to_dial.append(event.url)
        self._waits = False

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        if endpoint.url in self._to_dial:
            self._to_dial.remove(endpoint.url)

    def on_settled(self, machine: object, now: float) -> None:
        if self._given is not None:
            must = self.voyage.fleet.ended is None and not self.voyage.plan.overlaps  # else it may be wanted no more
            if must and self._in_a_row[self._shard] < self.config.retry.max_redirects:
                self.fail(f"the redirect to {self._given} was not followed")
            self._given, self._in_a_row[self._shard] = None, 0
        if self._to_dial:
            if not self._waits and self.voyage.others is None:
                self.fail(f"the redirect to {self._to_dial[0]} was followed by no dial")
            self._to_dial.clear()
