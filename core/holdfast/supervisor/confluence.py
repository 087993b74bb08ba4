"""The legs of a feed, and how what they bring becomes one stream: merged, handed over, its losses declared.

With one leg and no rotation under way there is nothing to merge, and its messages pass through untouched.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Protocol

from holdfast.config import FeedConfig
from holdfast.connection import Connection
from holdfast.events import Event, Gap, LegEnded, Message, Rotated, Rotating
from holdfast.failures import Cause, Failure
from holdfast.supervisor.gaps import Ledger
from holdfast.supervisor.leg import Leg, State
from holdfast.supervisor.merge import Merge, Name, Orphan
from holdfast.supervisor.redial import Redial
from holdfast.supervisor.rotation import Handover, Rotations
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.strand import size_of
from holdfast.supervisor.streams import Replace
from holdfast.supervisor.tally import Tally
from holdfast.timers import Timers

_LOOKS_PER_OVERLAP = 8
_RANKS = {"wanted": 0, "refused": 1, "asked": 2, "subscribed": 3}


class Timer(IntEnum):
    """The deadlines of several legs together."""

    LOOK = 0  # who is not sure yet, who holds messages for too long
    ROTATE = 1  # the next rotation by age, or the next gap in a handover


class Outlet(Protocol):
    """The feed, as the confluence sees it."""

    def emit(self, event: Event) -> None:
        """An event, behind all that was put."""

    def put(self, messages: list[Message], nbytes: int, now: float) -> None:
        """Messages for the consumer. The list is the feed's from now on."""

    def opened(self, leg: Leg, now: float) -> None:
        """A connection opened."""

    def dialled(self, conn: int) -> None:
        """There is a connection of this number."""

    def gone(self, conn: int) -> None:
        """Its socket is gone."""

    def gave_up(self, failure: Failure, reason: str, now: float) -> None:
        """No leg can go on."""


class Confluence:
    """All legs of one feed."""

    def __init__(self, outlet: Outlet, config: FeedConfig, shared: Shared, tally: Tally) -> None:
        self.connections: dict[int, Connection] = {}  # also those that are closing
        self.wanted: dict[str, None] = dict.fromkeys(config.streams)
        self.ledger = Ledger(outlet.emit, tally)
        self.emit = outlet.emit
        self._outlet = outlet
        self._config = config
        self._shared = shared
        self._tally = tally
        limit = config.dialect.limits.max_age if config.dialect is not None else None
        self._rotations = Rotations(config.rotation, limit, shared.random)
        self._merge = self._new_merge() if config.legs > 1 else None
        self._carriers: dict[int, Leg] = {}  # by current connection
        self._to_rotate: list[tuple[Leg, str, bool]] = []  # one after the other; whether elsewhere
        self._timers = Timers(Timer)
        count = len(config.targets)
        self.legs = [self._new_leg(Redial(config, shared.random, number % count)) for number in range(config.legs)]

    # Inputs

    def leg_of(self, conn: int) -> Leg | None:
        """The one whose current connection this is."""
        leg = self._carriers.get(conn)
        return leg if leg is not None and leg.current is self.connections.get(conn) else None

    def forget_closed(self, closed: Iterable[int]) -> None:
        """Their sockets are gone."""
        for conn in closed:
            del self.connections[conn]
            self._carriers.pop(conn, None)
            self._outlet.gone(conn)

    def tick(self, now: float) -> None:
        """What is due, but for the deadlines of connections."""
        for leg in list(self.legs):
            if leg.next_deadline() <= now:
                leg.tick(now)
        while (timer := self._timers.expired(now)) is not None:
            self._timers.clear(timer)  # type: ignore[arg-type]  # the number is one of Timer's
            if timer == Timer.LOOK:
                self._look(now)
            else:
                for leg in self._rotations.due(now):
                    if self._rotations.of(leg) is None:
                        self._want_rotation(leg, "its age", now)
                    else:
                        self._rotations.failed(leg, now)  # it has not even taken over yet
                for handover in [one for one in self._rotations.handovers if one.gap_at <= now]:
                    self._force(handover, now)
                self._plan()

    def stalled(self, late: float) -> None:
        """For `late` seconds we did not look."""
        for leg in self.legs:
            leg.stalled(late)
        self._excuse(late)

    def resumed(self, paused: float, now: float) -> None:
        """Read on all legs again, as was not done for `paused` seconds."""
        for leg in self.legs:
            leg.resume(now)
        self._excuse(paused)

    def _excuse(self, late: float) -> None:
        for handover in self._rotations.handovers:
            handover.gap_at += late
        if self._merge is not None:
            self._merge.excuse(late)
        self._plan()

    def subscribe(self, streams: Sequence[str], now: float) -> None:
        """Want these, too."""
        self.wanted.update(dict.fromkeys(streams))
        for leg in self.legs:
            assert leg.streams is not None
            leg.streams.more_wanted(streams, now)

    def unsubscribe(self, streams: Sequence[str], now: float) -> None:
        """Streams that are not wanted anyway are left as they are."""
        for stream in streams:
            self.wanted.pop(stream, None)
        self.ledger.forget(streams)
        for leg in self.legs:
            assert leg.streams is not None
            leg.streams.less_wanted(streams, now)

    def rotate(self, now: float, reason: str) -> None:
        """All legs that are open, one after the other."""
        for leg in list(self.legs):
            self._want_rotation(leg, reason, now)

    def end(self, now: float, code: int, reason: str) -> None:
        """No leg goes on."""
        for leg in self.legs:
            leg.end(now, code, reason)
        self._rotations.handovers.clear()
        self._timers.clear_all()

    def next_deadline(self) -> float:
        deadline = self._timers.next()
        for leg in self.legs:
            deadline = min(deadline, leg.next_deadline())
        return deadline

    @property
    def is_rotating(self) -> bool:
        """Whether a connection is being replaced."""
        return bool(self._rotations.handovers)

    def stream_states(self) -> dict[str, str]:
        """For each wanted stream how it stands on the leg where it got furthest."""
        states = dict.fromkeys(self.wanted, "wanted")
        for leg in self.legs:
            for stream, state in leg.streams.states().items() if leg.streams is not None else ():
                if _RANKS[state] > _RANKS[states[stream]]:
                    states[stream] = state
        return states

    # What legs tell

    def dialled(self, leg: Leg, connection: Connection) -> None:
        self.connections[connection.conn] = connection
        self._carriers[connection.conn] = leg
        self._outlet.dialled(connection.conn)
        if self._merge is not None:
            self._merge.add(connection.conn, leg.tally)

    def opened(self, leg: Leg, now: float) -> None:
        self._rotations.opened(leg, now, self._shared.wall_offset)
        if self._config.dialect is None:
            self.ledger.settle(now)
            if self._merge is not None and leg.current is not None:
                # With requests of ours on the way, nobody knows from when on it brings what.
                asks = self._config.on_open or self._config.on_connect is not None
                self._merge.carries(leg.current.conn, (None,), math.inf if asks else now)
        handover = self._rotations.of(leg)
        if handover is not None and handover.new is leg:
            handover.gap_at = now + self._rotations.overlap_timeout
        self._plan()
        if self._merge is not None:
            self._timers.set(Timer.LOOK, now)
        self._outlet.opened(leg, now)

    def covered(self, leg: Leg, streams: Sequence[str], now: float) -> None:
        self.ledger.covered(streams, now)
        if self._merge is not None and leg.current is not None:
            self._merge.carries(leg.current.conn, streams, now)
            self._timers.set(Timer.LOOK, now)

    def uncovered(self, leg: Leg, streams: Sequence[str], now: float) -> None:
        if self._merge is not None and leg.current is not None:
            failure = Failure(Cause.ROTATION, "only one connection was sure of it, and may bring it no more")
            for orphan in self._merge.carries_no_more(leg.current.conn, streams):
                since = self._merge.delivered_at(orphan.stream)
                self._bequeath([orphan], leg.current.opened_at if since is None else since, failure, now)

    def was_silent(self, leg: Leg, stream: str, since: float, now: float) -> None:
        if self._merge is not None and leg.current is not None:
            conn = leg.current.conn
            if any(other != conn and self._brings(other, stream) for other in self._merge.lines):
                return
        if not self.ledger.declared_until(now, stream):  # as what nobody was sure of
            self.ledger.declare(Gap(now, since, now, Failure(Cause.STREAM_SILENT, stream), stream=stream))

    def missed(self, leg: Leg, first: int, last: int, since: float, now: float) -> None:
        failure = Failure(Cause.SEQUENCE, "of the connection")
        gap = Gap(now, since, now, failure, first_missing=first, last_missing=last)
        merge, current = self._merge, leg.current
        if merge is None or current is None:
            self.ledger.declare(gap)
            return
        lost = merge.doubt(current.conn, now)
        if lost and len(lost) >= len(merge.lines[current.conn].carried):
            self.ledger.declare(gap)
        elif lost:
            for stream in lost:
                self.ledger.declare(dataclasses.replace(gap, stream=stream, first_missing=None, last_missing=None))
        else:
            filled_by = next(conn for conn in merge.lines if conn != current.conn)
            self.ledger.recent.append(dataclasses.replace(gap, filled_by=filled_by))
        self._timers.set(Timer.LOOK, now)

    def _brings(self, conn: int, stream: str) -> bool:
        """Whether it is sure of the stream, and has not fallen silent itself."""
        assert self._merge is not None
        streams = self._carriers[conn].streams
        return self._merge.is_sure(conn, stream) and not (streams is not None and streams.misses(stream))

    def going_away(self, leg: Leg, now: float) -> None:
        if self._rotations.enabled:
            self._want_rotation(leg, "the service announced that it ends the connection", now)

    def deliver(self, leg: Leg, messages: list[Message], nbytes: int, now: float) -> None:
        if self._merge is None:
            leg.tally.first += len(messages)
            self._outlet.put(messages, nbytes, now)
        elif leg.current is not None:
            fresh = self._merge.put(leg.current.conn, messages, nbytes, now)
            if len(fresh) == len(messages) and fresh[0] is messages[0] and fresh[-1] is messages[-1]:
                self._outlet.put(fresh, nbytes, now)
            else:
                self._put(fresh, now)
            if self._merge.is_too_large:
                self._hold_no_more(now)

    def ponged(self, leg: Leg, pinged_at: float, now: float) -> None:
        if self._merge is None or leg.current is None:
            return
        for _, fresh in self._merge.ponged(leg.current.conn, pinged_at, now):
            self._put(fresh, now)
        self._complete(now)

    def refused(self, leg: Leg, connection: Connection) -> None:  # noqa: ARG002  # it goes on by itself
        if self._merge is not None:
            self._merge.leave(connection.conn)

    def lost(self, leg: Leg, connection: Connection, since: float, failure: Failure, now: float) -> None:
        self._rotations.lost(leg)
        handover = self._rotations.of(leg)
        if handover is not None and handover.new is leg:
            handover.gap_at = math.inf
        others = [other for other in self.legs if other is not leg and other.is_open]
        orphans = self._merge.leave(connection.conn) if self._merge is not None else []
        if not others:
            self.ledger.lost(since, failure, self.wanted)
        elif not orphans:
            filled_by = others[0].current
            assert filled_by is not None
            self.ledger.recent.append(Gap(now, since, now, failure, filled_by=filled_by.conn))
        else:
            self._bequeath(orphans, since, failure, now)
        if handover is not None and handover.old is leg:
            self._rotations.handovers.remove(handover)
            leg.state = State.ENDED
            if handover.new.streams is not None and leg.streams is not None and not handover.new.is_open:
                handover.new.streams.succeed(leg.streams)  # what it came to know since the rotation began
            self._remove(leg, handover.new)
            self._rotate_next(now)
        self._plan()

    def replace(self, leg: Leg, replace: Replace, now: float) -> bool:
        flows = leg.data.missed_for(now) <= self._rotations.overlap_timeout
        if not self._rotations.enabled or leg.is_paused or not flows:
            return False  # there is nothing to go on with meanwhile
        handover = self._rotations.of(leg)
        if handover is None:
            self._want_rotation(leg, str(replace.failure), now, elsewhere=replace.elsewhere)
            return True
        return handover.old is leg

    def gave_up(self, leg: Leg, failure: Failure, reason: str, now: float) -> None:
        handover = self._rotations.of(leg)
        if handover is not None:
            self._rotations.handovers.remove(handover)
            self._rotations.failed(handover.old, now)
        if len(self.legs) > 1:
            self._remove(leg, handover.old if handover is not None else None)
            self.emit(LegEnded(now, failure, reason))
            self._rotate_next(now)
            self._plan()
        else:
            self._outlet.gave_up(failure, reason, now)

    # Rotation

    def _want_rotation(self, leg: Leg, reason: str, now: float, *, elsewhere: bool = False) -> None:
        if not leg.is_open or self._rotations.of(leg) is not None or any(leg is one for one, _, _ in self._to_rotate):
            return
        self._to_rotate.append((leg, reason, elsewhere))
        self._rotate_next(now)

    def _rotate_next(self, now: float) -> None:
        while self._to_rotate and not self._rotations.handovers:
            leg, reason, elsewhere = self._to_rotate.pop(0)
            if leg.is_open and leg in self.legs:
                self._begin(leg, reason, now, elsewhere=elsewhere)

    def _begin(self, leg: Leg, reason: str, now: float, *, elsewhere: bool = False) -> None:
        assert leg.current is not None
        conn = leg.current.conn
        if self._merge is None:
            self._merge = self._new_merge()
            self._merge.add(conn, leg.tally)
            self._merge.carries(conn, (None,) if leg.streams is None else leg.streams.held, now)
            self._merge.carries_no_more(conn, () if leg.streams is None else leg.streams.doubtful)
        self.emit(Rotating(now, conn, reason))
        leg.redial.rotating(now, healthy=leg.is_healthy, elsewhere=elsewhere)
        new = self._new_leg(leg.redial)
        if new.streams is not None and leg.streams is not None:
            new.streams.succeed(leg.streams)
        self.legs.append(new)
        self._rotations.handovers.append(Handover(leg, new, now))
        new.dial(now)

    def _complete(self, now: float) -> None:
        """Where nothing is left to prove, the new connection takes over."""
        for handover in list(self._rotations.handovers):
            if self._is_sure(handover):
                self._hand_over(handover, now)

    def _is_sure(self, handover: Handover) -> bool:
        new = handover.new
        if not new.is_open or new.current is None or self._merge is None:
            return False
        is_settled = new.streams is None or new.streams.is_settled
        return is_settled and self._merge.is_sure_of_all(new.current.conn)

    def _force(self, handover: Handover, now: float) -> None:
        """Time is up for what is not proven."""
        old, new, merge = handover.old, handover.new, self._merge
        if old.is_paused or new.is_paused:
            handover.gap_at = now + self._rotations.overlap_timeout
            return
        assert merge is not None
        assert new.current is not None
        failure = Failure(Cause.ROTATION, f"Rotation.overlap_timeout is {self._rotations.overlap_timeout:g} s")
        if new.streams is not None and not new.streams.is_settled:
            new.drop(failure, now, reason="rotation")
            return
        conn = new.current.conn
        orphans = [Orphan(stream, conn) for stream in merge.unsure(conn)]
        since = handover.began if old.current is None else min(handover.began, old.current.last_received)
        self._bequeath(orphans, since, failure, now)
        self._hand_over(handover, now)

    def _hand_over(self, handover: Handover, now: float) -> None:
        old, new = handover.old, handover.new
        assert old.current is not None
        assert new.current is not None
        assert self._merge is not None
        self._rotations.handovers.remove(handover)
        self._rotations.lost(old)
        previous = old.current.conn
        for orphan in self._merge.leave(previous):  # what the service does not give any more
            if orphan.stream in self.wanted:
                self.ledger.lost_stream(orphan.stream, now, Failure(Cause.ROTATION, "refused by the new connection"))
        old.end(now, 1000, "rotation")
        self._remove(old, new)
        self._tally.rotations += 1
        self.emit(Rotated(now, new.current.conn, previous, now - handover.began))
        self._timers.set(Timer.LOOK, now + self._rotations.overlap_timeout / _LOOKS_PER_OVERLAP)
        self._rotate_next(now)
        self._plan()

    def _plan(self) -> None:
        self._timers.set(Timer.ROTATE, self._rotations.next_deadline())

    # Merging

    def _look(self, now: float) -> None:
        """While there is something to merge: find proofs, end what takes too long."""
        merge, overlap = self._merge, self._rotations.overlap_timeout
        if merge is None:
            return
        self._complete(now)
        if len(self.legs) == 1 and self._config.legs == 1 and merge.is_even:
            self._merge = None
            return
        if len(self.legs) == 1 or any(merge.unsure(conn) for conn in merge.lines):
            for leg in self.legs:
                leg.probe(now)
        if not any(leg.is_paused for leg in self.legs):
            for conn, stream in merge.overdue(now - overlap):
                self._give_up_waiting(conn, stream, "the other connection brought nothing meanwhile", now)
        self._timers.set(Timer.LOOK, now + overlap / _LOOKS_PER_OVERLAP)

    def _hold_no_more(self, now: float) -> None:
        """For want of memory: nobody can wait for proofs any longer."""
        assert self._merge is not None
        for conn, stream in self._merge.held_by():
            if self._merge.is_held(conn, stream) and not self._merge.let_go(conn, stream):
                self._give_up_waiting(conn, stream, "too much is held: Limits.max_queue_size", now)

    def _give_up_waiting(self, conn: int, stream: Name, why: str, now: float) -> None:
        """For a proof: it goes on, and what may be missing before is declared."""
        assert self._merge is not None
        if not self._merge.is_held(conn, stream):
            return  # what another one brought has settled it
        since = self._merge.delivered_at(stream)
        if since is None:  # whoever was sure of it has brought nothing since the others joined
            sure = [other for other in self._merge.lines if self._merge.is_sure(other, stream)]
            since = min((self.connections[other].last_received for other in sure), default=now)
        self._merge.go_on_with(conn, stream)
        self._bequeath([Orphan(stream, conn)], since, Failure(Cause.ROTATION, why), now)

    def _bequeath(self, orphans: list[Orphan], since: float, failure: Failure, now: float) -> None:
        """Nobody is sure of these streams: the heirs go on with them, and what cannot be proven is declared lost."""
        merge = self._merge
        assert merge is not None
        lost: list[Name] = []
        for orphan in orphans:
            if orphan.heir is None:
                if orphan.stream in self.wanted:
                    self.ledger.lost_stream(orphan.stream, since, failure)
            elif self._is_wanted(orphan.stream) and not merge.joins_last(orphan.heir, orphan.stream):
                lost.append(orphan.stream)
        if None in lost or (lost and len(lost) >= len(self.wanted)):
            self.ledger.declare(Gap(now, since, now, failure))
        else:
            for stream in lost:
                self.ledger.declare(Gap(now, since, now, failure, stream=stream))
        for orphan in orphans:
            if orphan.heir is not None:
                self._put(merge.prove(orphan.heir, orphan.stream, now), now)

    def _is_wanted(self, stream: Name) -> bool:
        return stream is None or stream in self.wanted

    def _put(self, fresh: list[Message], now: float) -> None:
        if fresh:
            self._outlet.put(fresh, sum(map(size_of, fresh)), now)

    def _new_leg(self, redial: Redial) -> Leg:
        return Leg(self, self._config, self._shared, self._tally, redial)

    def _new_merge(self) -> Merge:
        by_stream, overlap = self._config.dialect is not None, self._rotations.overlap_timeout
        return Merge(by_stream=by_stream, overlap=overlap, bound=self._config.limits.max_queue_size)

    def _remove(self, leg: Leg, heir: Leg | None) -> None:
        self.legs.remove(leg)
        if heir is not None:
            heir.tally.inherit(leg.tally)
