"""Promise 8: every loss lies in a declared gap, which stands before the first message after it, and has a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, is_data
from holdfast import Gap, Item

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


def number_of(message: str) -> tuple[str, int]:
    """Stream and sequence number of a message of one of the voyage's streams."""
    parts = message.split('"')
    return parts[3], int(parts[6][1:-1])


class LossDeclared(Checker):
    promise = 8

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._last: dict[str, int] = {}
        self._gaps = 0
        self._gaps_at: dict[str, int] = {}  # how many gaps there had been when the stream was last heard

    def on_item(self, item: Item, now: float) -> None:
        if not is_data(item):
            if isinstance(item, Gap):
                self._look_at(item)
            return
        stream, number = number_of(str(item))
        last = self._last.get(stream)
        if last is not None and number > last + 1 and self._gaps_at[stream] == self._gaps:
            missing = [one for one in range(last + 1, number) if not self.voyage.was_withheld(stream, one)]
            if missing:
                self.fail(f"{stream}: {last} is followed by {number}, and no gap was declared between")
        self._last[stream] = number
        self._gaps_at[stream] = self._gaps

    def _look_at(self, gap: Gap) -> None:
        self._gaps += 1
        if gap.since > gap.until + EPSILON:
            self.fail(f"a gap that ends before it begins: {gap}")

    def after_healing(self, now: float) -> None:
        """What was published last has arrived, or a gap or a loss of the connection stands behind the last message."""
        if not self.voyage.fleet.is_open or self._gaps == 0:
            return
        plan = self.voyage.plan
        underway = plan.rate * (4 * (plan.weather.delay + plan.weather.jitter) + 2 * plan.flush_every) + 2
        for stream, last in self._last.items():
            published = self.voyage.exchange.ledger.counts[stream]
            if published - last > underway and self._gaps_at[stream] == self._gaps:
                self.fail(
                    f"{stream}: {published} were published, {last} was the last to arrive, and no gap was declared"
                )
