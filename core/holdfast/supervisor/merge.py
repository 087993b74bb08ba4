"""Several connections that carry the same streams, made one. See `strand` for how that is done for each stream.

A connection is *sure* of a stream when nothing can be missing between what was delivered and what it will bring. Beside
what the messages of a stream tell, there is a proof for all streams at once, quiet ones as well: if A is sure of a
stream, and B was acknowledged for it before A got a ping that A has answered, then whatever the service sent before B
began has come through A, since bytes arrive in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import cast

from holdfast.dialects.words import Update
from holdfast.events import Message
from holdfast.records import dataclass
from holdfast.settings import ITEM_COST
from holdfast.supervisor.above import Readings
from holdfast.supervisor.owed import Owed, OwedTexts, OwedUpdates
from holdfast.supervisor.strand import Strand
from holdfast.supervisor.tally import LegTally

Name = str | None  # of a stream; None for all that a feed without a dialect brings

_MAX_OWED = 262_144  # messages that one connection has delivered and another has still to bring; about 100 bytes each
_MAX_TEXTS = 8 * 1024 * 1024  # bytes that may come before their texts are given up for their keys
_COUNT_EVERY = 4096  # messages between two looks at that


@dataclass(slots=True)
class Line:
    """One connection. `carried`: streams that it was acknowledged for, and when. `leaving`: those that it may not
    bring any more, though a message may still come.
    """

    tally: LegTally
    carried: dict[Name, float] = field(default_factory=dict[Name, float])
    leaving: set[Name] = field(default_factory=set[Name])
    sure: set[Name] = field(default_factory=set[Name])  # those without a strand yet


@dataclass(frozen=True, slots=True)
class Orphan:
    """A stream of which nobody is sure any more. `heir`: the connection that carries it, too, if there is one."""

    stream: Name
    heir: int | None


class Merge:
    """Connections go by their numbers. What is delivered is remembered from the moment that a second one is added."""

    def __init__(self, *, by_stream: bool, overlap: float, bound: int) -> None:
        self._overlap = overlap  # seconds
        self._bound = bound  # bytes that may be held
        self._may_hold = bound  # of these, at least so many are left
        self.lines: dict[int, Line] = {}
        self._by_stream = by_stream
        self._new_owed: Callable[[], Owed] = OwedUpdates if by_stream else OwedTexts
        self._strands: dict[Name, Strand] = {}
        self._until_count = _COUNT_EVERY
        self._until_keys = _MAX_TEXTS
        self.readings: Readings = {}  # of what one has brought, until another one does

    # Connections and what they carry

    def add(self, conn: int, tally: LegTally) -> None:
        """It is being dialled: remember for it what others deliver. `tally`: of its leg."""
        self.lines[conn] = Line(tally)
        for stream, strand in self._strands.items():
            strand.join(conn, proven=self._is_nobodys(stream))

    def carries(self, conn: int, streams: Iterable[Name], now: float) -> list[Message]:
        """It was acknowledged for these. It is sure of those that nobody else is sure of. What is to be delivered."""
        fresh: list[Message] = []
        line = self.lines[conn]
        line.leaving.difference_update(streams)
        for stream in streams:
            if stream in line.carried:
                continue
            line.carried[stream] = now
            if not any(self.is_sure(other, stream) for other in self.lines):
                strand = self._strands.get(stream)
                if strand is None:
                    line.sure.add(stream)
                elif conn in strand.held:
                    strand.prove(conn, now, fresh)
        line.tally.first += len(fresh)
        return fresh

    def carries_no_more(self, conn: int, streams: Iterable[Name], *, gone: bool) -> list[Orphan]:
        """It brings these no more; or not `gone`: it may bring them no more. Those of which nobody is sure any more."""
        line = self.lines[conn]
        orphans: list[Orphan] = []
        for stream in streams:
            was_sure = self.is_sure(conn, stream)
            (line.leaving.discard if gone else line.leaving.add)(stream)
            line.carried.pop(stream, None)
            line.sure.discard(stream)
            if (strand := self._strands.get(stream)) is not None:
                strand.stop(conn)
            if was_sure and not any(self.is_sure(other, stream) for other in self.lines):
                orphans.append(Orphan(stream, self._heir(stream)))
        return orphans

    def forget(self, streams: Iterable[Name]) -> None:
        """Nobody wants these: forget those that no connection may still bring."""
        for stream in streams:
            if not any(stream in line.carried or stream in line.leaving for line in self.lines.values()):
                self._strands.pop(stream, None)

    def doubt(self, conn: int, now: float) -> list[Name]:
        """It left something out just now. Those of its streams that nobody else is sure of, so that it is lost."""
        lost: list[Name] = []
        for stream in self.lines[conn].carried:
            if self.is_sure(conn, stream):
                if not any(self.is_sure(other, stream) for other in self.lines if other != conn):
                    lost.append(stream)
                    continue
                self.lines[conn].sure.discard(stream)
            self.lines[conn].carried[stream] = now  # what came before proves nothing any more
            if (strand := self._strands.get(stream)) is not None:
                strand.held.pop(conn, None)
                strand.doubt(conn)
        return lost

    def leave(self, conn: int) -> list[Orphan]:
        """The connection is gone."""
        line = self.lines.pop(conn)
        left = list(line.sure)
        left += [stream for stream, strand in self._strands.items() if conn in strand.owed and strand.leave(conn)]
        return [
            Orphan(stream, self._heir(stream))
            for stream in left
            if not any(self.is_sure(other, stream) for other in self.lines)
        ]

    def is_sure(self, conn: int, stream: Name) -> bool:
        line = self.lines[conn]
        if (strand := self._strands.get(stream)) is not None:
            return stream in line.carried and conn not in strand.held
        return stream in line.sure

    def is_sure_of_all(self, conn: int) -> bool:
        """Whether it is sure of everything that it carries."""
        return all(self.is_sure(conn, stream) for stream in self.lines[conn].carried)

    def unsure(self, conn: int) -> list[Name]:
        """What it carries without being sure."""
        return [stream for stream in self.lines[conn].carried if not self.is_sure(conn, stream)]

    # Messages

    def put(self, conn: int, messages: list[Message], nbytes: int, now: float) -> list[Message]:
        """Take in what a connection brought, `nbytes` in all; what of it, and of what was held, is to be delivered."""
        tally = self.lines[conn].tally
        fresh: list[Message] = []
        duplicates, late = (self._put_updates if self._by_stream else self._put_texts)(conn, messages, now, fresh)
        tally.first += len(fresh)
        tally.duplicates += duplicates
        tally.lateness = tally.lateness if late is None else late
        self._may_hold -= nbytes + ITEM_COST * len(messages)
        if self._may_hold < 0:  # if all that came had been held
            holds = (hold for strand in self._strands.values() for hold in strand.held.values())
            self._may_hold = self._bound - sum(hold.size for hold in holds)
        self._until_keys -= nbytes
        if self._until_keys <= 0:
            self._until_keys = _MAX_TEXTS
            self.readings.clear()
            for strand in self._strands.values():
                for owed in strand.owed.values():
                    owed.ask_keys()
        self._until_count -= len(messages)
        if self._until_count <= 0:
            self._until_count = _COUNT_EVERY
            self._trim()
        return fresh

    def _put_updates(
        self, conn: int, messages: list[Message], now: float, fresh: list[Message]
    ) -> tuple[int, float | None]:
        """How many were duplicates, and how late the last of them was. The usual is done here, without a call."""
        strands, duplicates, lateness = self._strands, 0, None
        for message in cast("list[Update]", messages):
            stream, text = message.stream, message.text
            strand = strands.get(stream)
            if strand is None:
                strand = self._new_strand(conn, stream, now)
            if not strand.held:
                owed: OwedUpdates = strand.owed[conn]  # type: ignore[assignment]  # here they are
                if owed.waiting:
                    if owed.waiting[0][1] == text and not owed.keyed:
                        lateness = now - owed.waiting.popleft()[0]
                        duplicates += 1
                        continue
                elif not owed.keyed:
                    strand.last, strand.delivered_at = message, now
                    fresh.append(message)
                    for other in strand.owed.values():
                        if other is not owed:
                            other.waiting.append((now, text, message))  # type: ignore[attr-defined]
                    continue
            late = strand.put(conn, message, text, now, fresh)
            if late is not None:
                duplicates += 1
                lateness = late
        return duplicates, lateness

    def _put_texts(
        self, conn: int, messages: list[Message], now: float, fresh: list[Message]
    ) -> tuple[int, float | None]:
        """The same of a feed without a dialect."""
        strand = self._strands.get(None) or self._new_strand(conn, None, now)
        texts = cast("list[str | bytes]", messages)
        duplicates, lateness = 0, None
        owed: OwedTexts = strand.owed[conn]  # type: ignore[assignment]  # here they are
        if not owed.keyed and (not strand.held or strand.flows(conn)):
            if owed.waits:
                duplicates, delivered_at = owed.take_first(texts)
                if duplicates:
                    lateness = now - delivered_at
                    texts = texts[duplicates:]
            if texts and not owed.waits:
                strand.last, strand.delivered_at = texts[-1], now
                fresh += texts
                for other in strand.owed.values():
                    if other is not owed:
                        other.put_all(now, texts)  # type: ignore[attr-defined]
                return duplicates, lateness
        for text in texts:
            late = strand.put(conn, text, text, now, fresh)
            if late is not None:
                duplicates += 1
                lateness = late
        return duplicates, lateness

    def joins_last(self, conn: int, stream: Name) -> bool:
        """Whether the service's numbers say that nothing is missing before what is held of it."""
        strand = self._strands.get(stream)
        return strand is not None and conn in strand.held and strand.joins_last(conn)

    def prove(self, conn: int, stream: Name, now: float) -> list[Message]:
        """From now on it is sure of this stream; what is to be delivered of what was held."""
        fresh: list[Message] = []
        strand = self._strands.get(stream)
        if strand is None:
            self.lines[conn].sure.add(stream)
        elif conn in strand.held:
            strand.prove(conn, now, fresh)
            self.lines[conn].tally.first += len(fresh)
        return fresh

    def go_on_with(self, conn: int, stream: Name) -> None:
        """Those who were sure of it are not waited for any longer."""
        strand = self._strands[stream]
        for other in self.lines:
            if other != conn and other not in strand.held:
                strand.go_on_without(other)

    def let_go(self, conn: int, stream: Name) -> bool:
        """Forget what is held of it, if those who are sure have brought something since. Whether that was so."""
        strand = self._strands[stream]
        since = strand.held[conn].messages[0][0]
        if strand.delivered_at is None or strand.delivered_at <= since:
            return False
        strand.distrust(conn)
        return True

    def ponged(self, conn: int, pinged_at: float, now: float) -> list[tuple[int, list[Message]]]:
        """A ping of that time was answered: others may be sure now. What is to be delivered, by connection."""
        # A service may send the same message at somewhat different times; much later it does not come.
        for each in self._strands.values():
            each.forget_until(conn, pinged_at - self._overlap)
        found: list[tuple[int, list[Message]]] = []
        for other, line in self.lines.items():
            if other == conn:
                continue
            for stream in self.unsure(other):
                strand = self._strands.get(stream)
                if strand is not None and other in strand.distrusted:
                    continue
                if line.carried[stream] <= pinged_at and self.is_sure(conn, stream):
                    found.append((other, self.prove(other, stream, now)))
        return [(other, fresh) for other, fresh in found if fresh]

    # Time

    def overdue(self, before: float) -> list[tuple[int, Name]]:
        """Who has been holding messages since that time, while those who are sure of the stream brought nothing. Where
        they did bring something, what is older is let go: it stands in their words.
        """
        found: list[tuple[int, Name]] = []
        for stream, strand in self._strands.items():
            for conn, hold in strand.held.items():
                if not hold.messages or hold.messages[0][0] > before:
                    continue
                owed, at = strand.owed[conn].times, strand.delivered_at
                late = [one for one in hold.messages if one[0] <= before and one[1] not in owed]
                if any(at is None or at <= brought_at for brought_at, _, _ in late):
                    found.append((conn, stream))
                elif late:
                    hold.let_go(before, owed)
                    strand.distrusted.add(conn)
        return found

    def is_held(self, conn: int, stream: Name) -> bool:
        """Whether messages of this stream that it brought wait for a proof."""
        strand = self._strands.get(stream)
        return strand is not None and conn in strand.held and bool(strand.held[conn].messages)

    def delivered_at(self, stream: Name) -> float | None:
        """When a message of this stream was delivered last; None: not since a second connection was added."""
        strand = self._strands.get(stream)
        return None if strand is None else strand.delivered_at

    @property
    def is_even(self) -> bool:
        """Whether the only connection left has brought everything that others delivered."""
        return all(not owed.count for strand in self._strands.values() for owed in strand.owed.values())

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look, or did not read."""
        for strand in self._strands.values():
            for hold in strand.held.values():
                hold.excuse(late)

    # Memory

    @property
    def is_too_large(self) -> bool:
        """Whether more is held than may be. Looked at after every `put`."""
        return self._may_hold < 0

    def held_by(self) -> list[tuple[int, Name]]:
        """Who holds messages of which streams."""
        return [
            (conn, stream)
            for stream, strand in self._strands.items()
            for conn, hold in strand.held.items()
            if hold.messages
        ]

    # Inside

    def _new_strand(self, conn: int, stream: Name, now: float) -> Strand:
        if self._is_nobodys(stream):
            strand = self._strands[stream] = Strand(self._new_owed, by_stream=False)
            for other in self.lines:
                strand.join(other, proven=True)
            return strand
        if stream not in self.lines[conn].leaving:
            self.lines[conn].carried.setdefault(stream, now)  # it brings it
        strand = Strand(self._new_owed, by_stream=self._by_stream and stream is not None)
        sure = {other for other, line in self.lines.items() if stream in line.sure} or {conn}
        for other, line in self.lines.items():
            strand.join(other, proven=other in sure)
            line.sure.discard(stream)
        self._strands[stream] = strand
        return strand

    def _is_nobodys(self, stream: Name) -> bool:
        """What a dialect made nothing of belongs to no stream. Nobody was asked for it: all of it is delivered."""
        return self._by_stream and stream is None

    def _heir(self, stream: Name) -> int | None:
        return next((conn for conn, line in self.lines.items() if stream in line.carried), None)

    def _trim(self) -> None:
        """Within the bound."""
        while sum(owed.count for strand in self._strands.values() for owed in strand.owed.values()) > _MAX_OWED:
            largest = max(self._strands.values(), key=lambda one: sum(owed.count for owed in one.owed.values()))
            for _ in range(_COUNT_EVERY):
                if not largest.forget_oldest():
                    break
