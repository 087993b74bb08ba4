"""Promise 12: `close` ends everything within its timeout: no dial, no timer, no socket."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from holdfast import Closed, Endpoint, Item

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class ClosingEnds(Checker):
    promise = 12

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._closed = False

    def on_item(self, item: Item, now: float) -> None:
        if self._closed:
            self.fail(f"an item after Closed: {item!r}")
        self._closed = isinstance(item, Closed)

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        if self._closed:
            self.fail(f"dial {conn} after Closed")

    def after_closing(self, now: float) -> None:
        process = self.voyage.process
        if not self.voyage.fleet.is_closed:
            self.fail("not closed in time")
        if self.voyage.fleet.next_deadline() != math.inf:
            self.fail("a timer is left")
        if process.sockets:
            self.fail(f"sockets are left: {sorted(process.sockets)}")
        if process.jobs_running:
            self.fail(f"functions of the user's run on: {sorted(process.jobs_running)}")
        if not self._closed:
            self.fail("no Closed item")
