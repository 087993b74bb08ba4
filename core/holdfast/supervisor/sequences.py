"""What the service's numbers prove to be missing of each stream, behind everything that merges connections."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from holdfast.dialects.words import Update
from holdfast.events import Gap, Message
from holdfast.failures import Cause, Failure
from holdfast.supervisor.strand import size_of

PassOn = Callable[[list[Message], int, float], object]
"""Takes messages, their size in bytes, and `now`."""


class _Latest:
    """What was last delivered of a stream, and came `at` that time. `losses`: gaps in everything until then.

    `highest` is an earlier one with greater numbers, if the service went back: it may repeat itself, or count anew.
    """

    __slots__ = ("at", "highest", "losses", "update")

    def __init__(self, update: Update, at: float, losses: int) -> None:
        self.update = update
        self.highest: Update | None = None
        self.at = at
        self.losses = losses


class Sequences:
    """Compares each message with the one before of its stream, and declares what is missing between, in order.

    Where a loss of ours was declared since that one, it has the same cause; else the service itself left something out,
    of the stream or of the connection.
    """

    def __init__(self, wanted: Container[str], pass_on: PassOn, declare: Callable[[Gap], None]) -> None:
        self._wanted = wanted  # only of these anything is remembered
        self._pass_on = pass_on
        self._declare = declare
        self._latest: dict[str, _Latest] = {}
        self._lost: dict[str, Failure] = {}  # single streams, since their last message
        self._all_lost: tuple[int, Failure] | None = None  # the latest loss of everything that is ours, and its number
        self._left_out: tuple[int, Failure] | None = None  # the same, of the service's
        self._losses = 0  # of everything

    def declared(self, gap: Gap) -> None:
        """A gap was declared, by whomever."""
        is_services = gap.cause.cause is Cause.SEQUENCE
        if gap.stream is None:
            self._losses += 1
            if is_services:
                self._left_out = self._losses, gap.cause
            else:
                self._all_lost = self._losses, gap.cause
        elif not (is_services and gap.stream in self._lost):
            self._lost[gap.stream] = gap.cause

    def forget(self, streams: Iterable[str]) -> None:
        """Nobody wants these."""
        for stream in streams:
            self._latest.pop(stream, None)
            self._lost.pop(stream, None)

    def put(self, messages: list[Message], nbytes: int, now: float) -> None:
        """Pass these on, with gaps between them where something is missing."""
        begin = 0
        for index, message in enumerate(messages):
            stream = message.stream if isinstance(message, Update) else None
            if stream is None or stream not in self._wanted:
                continue
            gap = self._look_at(message, stream, now)  # type: ignore[arg-type]  # it is an Update
            if gap is None:
                continue
            if index > begin:
                before = messages[begin:index]
                size = sum(map(size_of, before))
                self._pass_on(before, size, now)
                nbytes = max(0, nbytes - size)
                begin = index
            self._declare(gap)
            self._lost.pop(stream, None)  # that was this one
        if begin < len(messages):
            self._pass_on(messages[begin:] if begin else messages, nbytes, now)

    # Inside

    def _look_at(self, update: Update, stream: str, now: float) -> Gap | None:
        latest = self._latest.get(stream)
        if latest is None:
            if update.sequence is not None:
                self._latest[stream] = _Latest(update, now, self._losses)
                self._lost.pop(stream, None)
            return None
        earlier = latest.update
        joins = update.joins(earlier)
        if joins is None and not self._begins_anew(latest, update):
            return None  # it has no numbers: the one before still counts
        if joins is not None and latest.highest is not None:
            beyond = update.joins(latest.highest)
            if beyond is not None:  # it had repeated itself, and is past that
                joins, earlier, latest.highest = beyond, latest.highest, None
        gap = None if joins is not False else self._gap(update, stream, earlier, latest, now)
        latest.update, latest.at, latest.losses = update, now, self._losses
        if self._lost:
            self._lost.pop(stream, None)
        return gap

    def _begins_anew(self, latest: _Latest, update: Update) -> bool:
        """Whether it has numbers. If they go back, it is remembered where they were."""
        numbers, earlier = update.sequence, latest.update.sequence
        if numbers is None or earlier is None:
            return False
        if numbers[1] <= earlier[1] and latest.highest is None:
            latest.highest = latest.update
        return True

    def _gap(self, update: Update, stream: str, earlier: Update, latest: _Latest, now: float) -> Gap:
        causes = [self._lost.get(stream)]
        causes += [loss[1] for loss in (self._all_lost, self._left_out) if loss is not None and loss[0] > latest.losses]
        known = [cause for cause in causes if cause is not None]
        ours = [cause for cause in known if cause.cause is not Cause.SEQUENCE]
        cause = next(iter(ours + known), None)
        first = last = None
        numbers, before = update.sequence, earlier.sequence
        if numbers is not None and before is not None and before[1] < numbers[0] - 1:
            first, last = before[1] + 1, numbers[0] - 1
        return Gap(
            now,
            latest.at,
            now,
            cause or Failure(Cause.SEQUENCE, stream),
            stream=stream,
            first_missing=first,
            last_missing=last,
        )
