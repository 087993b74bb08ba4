"""Promise 1, where there is something to do before a dial: an endpoint is made for it, or others must be let go first.

A token is good for one dial, at once; a dial that was put off is made, and not before its time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker
from fuzz.dials import token_of
from holdfast import Connecting, Endpoint, Event, Redirected

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class TokensFresh(Checker):
    promise = 1

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.makers is None
        self._led_to: set[str] = set()  # by redirects
        self._latest = -1  # they are dialled in the order in which they were made

    def on_event(self, event: Event) -> None:
        if isinstance(event, Redirected):
            self._led_to.add(event.url)

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        if endpoint.url in self._led_to:
            self._led_to.discard(endpoint.url)
            return
        token, makers = token_of(endpoint), self.voyage.makers
        assert makers is not None
        if token is None or token <= self._latest:
            self.fail(f"dial {conn} goes to {endpoint.url}, which was not made for it")
        if now > makers.made_at[token] + EPSILON:
            self.fail(f"dial {conn} comes {now - makers.made_at[token]:g} s after its endpoint was made")
        self._latest = token


class PostponedInTime(Checker):
    """And none that was put off is counted. Of several connections of a shard nobody can tell which waited."""

    promise = 1

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.others is None
        self._not_before: defaultdict[int, float] = defaultdict(float)  # by shard
        self._dials = 0

    def on_postponed(self, conn: int, until: float, now: float) -> None:
        if not self.voyage.plan.overlaps:
            self._not_before[self.voyage.shard_of(conn)] = until

    def on_event(self, event: Event) -> None:
        if isinstance(event, Connecting):
            earliest = self._not_before.pop(self.voyage.shard_of(event.conn), 0.0)
            if event.at < earliest - EPSILON:
                self.fail(f"dial {event.conn} comes {earliest - event.at:g} s before the time that it was given")

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        self._dials += 1

    def after_closing(self, now: float) -> None:
        told = self.voyage.fleet.stats(now).dials
        if told != self._dials and not self.is_idle:
            self.fail(f"{told} dials are counted; {self._dials} were made")
