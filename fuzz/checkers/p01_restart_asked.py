"""Promise 1, where coming back is given up on purpose: after `restart_after` dials without a healthy connection, not
earlier, and not much later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from holdfast import Cause, Closed, Connected, Connecting, Disconnected, Endpoint, Event, RetryScheduled

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class RestartAsked(Checker):
    """A connection may have been healthy if it was open for `stable_after`; it was if the next attempt is the first."""

    promise = 1

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = self.config.restart_after is None
        self._asked = 0  # dials that began, since a connection was healthy
        self._made = 0  # dials that went out, since one may have been
        self._open: dict[int, float] = {}
        self._must_end = False

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        self._made += 1

    def on_event(self, event: Event) -> None:
        most = self.config.restart_after
        if isinstance(event, Connecting):
            self._asked += 1
        elif isinstance(event, Connected):
            self._open[event.conn] = event.at
        elif isinstance(event, Disconnected):
            opened = self._open.pop(event.conn, event.at)
            if event.at - opened >= self.config.retry.stable_after:
                self._made = 0
        elif isinstance(event, RetryScheduled) and event.failure.cause is not Cause.DIAL_WINDOW:
            if any(event.at - opened >= self.config.retry.stable_after for opened in self._open.values()):
                self._made = 0
            if event.attempt == 1:
                self._asked = self._made = 0
            elif most is not None and self._made >= most:
                self._must_end = True
        elif isinstance(event, Closed) and event.restart_needed and (most is None or self._asked < most):
            self.fail(f"asks for a restart after {self._asked} dials; restart_after is {most}")

    def on_settled(self, machine: object, now: float) -> None:
        if self._must_end and self.voyage.fleet.ended is None:
            self.fail(f"{self._made} dials were made in vain, and nobody asks for a restart")
