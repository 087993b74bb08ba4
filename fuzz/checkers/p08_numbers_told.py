"""Promise 8, where a service numbers its messages: what the numbers prove to be missing is declared, with its numbers.

A service that leaves something out itself is named as the cause, and only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from fuzz.checkers.p08_loss_declared import number_of
from fuzz.dialect import NumberedUpdate
from holdfast import Cause, Event, Gap, Item

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class NumbersTold(Checker):
    """Of each stream, between each message and the one before it. Not where the queue drops messages behind that."""

    promise = 8

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = not (self.config.check_sequences and self.config.overflow.policy in ("pause", "fail"))
        self._last: dict[str, tuple[int, int]] = {}  # by stream: the number in the world, and the service's
        self._highest: dict[str, int] = {}  # the service's, from which it went back
        self._gaps: dict[str, list[Gap]] = {}  # of single streams, since their last message

    def on_item(self, item: Item, now: float) -> None:
        if isinstance(item, Gap):
            if item.stream is not None:
                self._gaps.setdefault(item.stream, []).append(item)
        elif isinstance(item, NumberedUpdate) and item.sequence is not None:
            stream, number = number_of(str(item.text))
            if self.voyage.snapshots is not None and self.voyage.snapshots.are_for(stream):
                return  # what is held stands behind the gaps of that time
            gaps, before = self._gaps.pop(stream, []), self._last.get(stream)
            self._last[stream] = number, item.sequence[0]
            if before is None or self._has_left_since(stream, before[0]):
                self._highest.pop(stream, None)
            else:
                self._judge(stream, before, self._last[stream], gaps)

    def _has_left_since(self, stream: str, number: int) -> bool:
        """Whether the user may have done so; then nothing is compared."""
        user, at = self.voyage.user, self.voyage.exchange.published_at(stream, number)
        return user is not None and any(until >= at for _, until in user.absent.get(stream, ()))

    def _judge(self, stream: str, before: tuple[int, int], after: tuple[int, int], gaps: list[Gap]) -> None:
        missing = self._missing(stream, before[1], after[1])
        told = [gap for gap in gaps if gap.first_missing is not None]
        if [(gap.first_missing, gap.last_missing) for gap in told] != ([missing] if missing is not None else []):
            spans = ", ".join(f"{gap.first_missing} to {gap.last_missing}" for gap in told)
            self.fail(f"{stream}: {before[1]} is followed by {after[1]}; said to be missing: {spans or 'nothing'}")
        if any(gap.cause.cause is Cause.SEQUENCE for gap in told):
            ours = [one for one in range(before[0] + 1, after[0]) if not self._is_the_services(stream, one)]
            if ours:
                self.fail(f"{stream}: the service is said to have left out {ours[0]}, which it sent")

    def _missing(self, stream: str, before: int, after: int) -> tuple[int, int] | None:
        """What lies between. Numbers that went back are those of before; beyond them they go on from there."""
        if after <= before:
            self._highest.setdefault(stream, before)
            return None
        if after > self._highest.get(stream, after):
            before = self._highest.pop(stream)
        return (before + 1, after - 1) if after > before + 1 else None

    def _is_the_services(self, stream: str, number: int) -> bool:
        voyage = self.voyage
        if voyage.was_withheld(stream, number):
            return True
        return voyage.user is not None and voyage.user.had_left(stream, voyage.exchange.published_at(stream, number))


class HolesTold(Checker):
    """Of one connection, whose messages are counted: each hole is declared as it is read."""

    promise = 8

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._told: list[tuple[int | None, int | None]] = []
        spoken = voyage.plan.spoken
        self.is_idle = voyage.plan.overlaps or spoken is None or not spoken.limits.counts

    def on_event(self, event: Event) -> None:
        if isinstance(event, Gap) and event.stream is None and event.first_missing is not None:
            self._told.append((event.first_missing, event.last_missing))

    def on_settled(self, machine: object, now: float) -> None:
        holes = self.voyage.ear.holes
        if self._told != holes:
            self.fail(f"numbers {holes} of a connection are missing; declared: {self._told}")
        self._told.clear()
        holes.clear()
