"""Promise 9: order is kept; and nothing is given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker, text_of
from fuzz.checkers.p08_loss_declared import number_of
from holdfast import Item

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class OrderKept(Checker):
    promise = 9

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._last: dict[str, int] = {}

    def on_item(self, item: Item, now: float) -> None:
        if (text := text_of(item)) is None:
            return
        stream, number = number_of(text)
        last = self._last.get(stream, 0)
        if number == last:
            self.fail(f"{stream}: {number} came twice")
        if number < last and not self.may_come_late(stream, number):
            self.fail(f"{stream}: {number} came after {last}")
        self._last[stream] = max(number, last)
