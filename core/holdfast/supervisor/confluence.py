"""The legs of a feed, and how one connection takes over from another. See `delivery` for what they bring."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Protocol

from holdfast.config import FeedConfig
from holdfast.connection import Connection
from holdfast.events import Event, LegEnded, Rotated, Rotating
from holdfast.failures import Cause, Failure
from holdfast.supervisor import delivery
from holdfast.supervisor.above import Replace
from holdfast.supervisor.delivery import Delivery
from holdfast.supervisor.leg import Leg, State
from holdfast.supervisor.redial import Redial
from holdfast.supervisor.rotation import Handover, Rotations
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.tally import Tally
from holdfast.timers import Timers

_LOOKS_PER_OVERLAP = 8
_RANKS = {"wanted": 0, "refused": 1, "asked": 2, "subscribed": 3}


class Timer(IntEnum):
    """The deadlines of several legs together."""

    LOOK = 0  # who is not sure yet, who holds messages for too long
    ROTATE = 1  # the next rotation by age, or the next gap in a handover


class Outlet(delivery.Outlet, Protocol):
    """The feed, as the confluence sees it."""

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

    __slots__ = (
        "_config",
        "_outlet",
        "_rotations",
        "_shared",
        "_tally",
        "_timers",
        "_to_rotate",
        "carriers",
        "connections",
        "delivery",
        "ledger",
        "legs",
        "wanted",
    )

    def __init__(self, outlet: Outlet, config: FeedConfig, shared: Shared, tally: Tally) -> None:
        self.connections: dict[int, Connection] = {}  # also those that are closing
        self.wanted: dict[str, None] = dict.fromkeys(config.streams)
        self._outlet = outlet
        self._config = config
        self._shared = shared
        self._tally = tally
        limit = config.dialect.limits.max_age if config.dialect is not None else None
        self._rotations = Rotations(config.rotation, limit, shared.random)
        self.carriers: dict[int, Leg] = {}  # by current connection
        self.delivery = Delivery(
            outlet, config, tally, self.wanted, self.connections, self.carriers, self._rotations.overlap_timeout
        )
        self.ledger = self.delivery.ledger
        self._to_rotate: list[tuple[Leg, str, bool]] = []  # one after the other; whether elsewhere
        self._timers = Timers(Timer)
        count = len(config.targets)
        self.legs = [self._new_leg(Redial(config, shared.random, number % count)) for number in range(config.legs)]

    # Inputs

    def leg_of(self, connection: Connection) -> Leg | None:
        """The one whose current connection this is."""
        leg = self.carriers.get(connection.conn)
        return leg if leg is not None and leg.current is connection else None

    def forget_closed(self, closed: Iterable[int]) -> None:
        """Their sockets are gone."""
        for conn in closed:
            del self.connections[conn]
            self.carriers.pop(conn, None)
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
        self.delivery.excuse(late)
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
        self._rotations.end()
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

    def emit(self, event: Event) -> None:
        self._outlet.emit(event)

    def dialled(self, leg: Leg, connection: Connection) -> None:
        self.connections[connection.conn] = connection
        self.carriers[connection.conn] = leg
        self._outlet.dialled(connection.conn)
        self.delivery.dialled(leg, connection)

    def opened(self, leg: Leg, now: float) -> None:
        self._rotations.opened(leg, now, self._shared.wall_offset)
        assert leg.current is not None
        self.delivery.opened(leg.current, now)
        handover = self._rotations.of(leg)
        if handover is not None and handover.new is leg:
            handover.gap_at = now + self._rotations.overlap_timeout
        self._plan()
        self._look_at_once(now)
        self._outlet.opened(leg, now)

    def covered(self, leg: Leg, streams: Sequence[str], now: float) -> None:
        if leg.current is not None:
            self.delivery.covered(leg.current, streams, now)
            self._look_at_once(now)

    def uncovered(self, leg: Leg, streams: Sequence[str], now: float, *, gone: bool) -> None:
        if leg.current is not None:
            self.delivery.uncovered(leg.current, streams, now, gone=gone)

    def was_silent(self, leg: Leg, stream: str, since: float, now: float) -> None:
        self.delivery.was_silent(leg.current, stream, since, now)

    def missed(self, leg: Leg, first: int, last: int, since: float, now: float) -> None:
        self.delivery.missed(leg.current, first, last, since, now)
        self._look_at_once(now)

    def going_away(self, leg: Leg, now: float) -> None:
        if self._rotations.enabled:
            self._want_rotation(leg, "the service announced that it ends the connection", now)

    def ponged(self, leg: Leg, pinged_at: float, now: float) -> None:
        if leg.current is not None and self.delivery.merges:
            self.delivery.ponged(leg.current, pinged_at, now)
            self._complete(now)

    def refused(self, leg: Leg, connection: Connection) -> None:  # noqa: ARG002  # it goes on by itself
        self.delivery.refused(connection)

    def lost(self, leg: Leg, connection: Connection, since: float, failure: Failure, now: float) -> None:
        self._rotations.lost(leg)
        handover = self._rotations.of(leg)
        if handover is not None and handover.new is leg:
            handover.gap_at = math.inf
        others = (other.current for other in self.legs if other is not leg and other.is_open)
        self.delivery.lost(connection, next(others, None), since, failure, now)
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
        self.delivery.begin(leg, leg.current, now)
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
        if not new.is_open or new.current is None:
            return False
        is_settled = new.streams is None or new.streams.is_settled
        return is_settled and self.delivery.is_sure(new.current)

    def _force(self, handover: Handover, now: float) -> None:
        """Time is up for what is not proven."""
        old, new = handover.old, handover.new
        if old.is_paused or new.is_paused:
            handover.gap_at = now + self._rotations.overlap_timeout
            return
        assert new.current is not None
        failure = Failure(Cause.ROTATION, f"Rotation.overlap_timeout is {self._rotations.overlap_timeout:g} s")
        if new.streams is not None and not new.streams.is_settled:
            new.drop(failure, now, reason="rotation")
            return
        since = handover.began if old.current is None else min(handover.began, old.current.last_received)
        self.delivery.go_on_with(new.current, since, failure, now)
        self._hand_over(handover, now)

    def _hand_over(self, handover: Handover, now: float) -> None:
        old, new = handover.old, handover.new
        assert old.current is not None
        assert new.current is not None
        self._rotations.handovers.remove(handover)
        self._rotations.lost(old)
        previous = old.current.conn
        self.delivery.handed_over(old.current, now)
        old.end(now, 1000, "rotation")
        self._remove(old, new)
        self._tally.rotations += 1
        self.emit(Rotated(now, new.current.conn, previous, now - handover.began))
        self._timers.set(Timer.LOOK, now + self._rotations.overlap_timeout / _LOOKS_PER_OVERLAP)
        self._rotate_next(now)
        self._plan()

    def _plan(self) -> None:
        self._timers.set(Timer.ROTATE, self._rotations.next_deadline())

    def _look_at_once(self, now: float) -> None:
        if self.delivery.merges:
            self._timers.set(Timer.LOOK, now)

    def _look(self, now: float) -> None:
        """While there is something to merge: find proofs, end what takes too long."""
        overlap = self._rotations.overlap_timeout
        if not self.delivery.merges:
            return
        self._complete(now)
        alone = len(self.legs) == 1
        if alone and self._config.legs == 1 and self.delivery.end_if_even():
            return
        if alone or self.delivery.has_unsure:
            for leg in self.legs:
                leg.probe(now)
        if not any(leg.is_paused for leg in self.legs):
            self.delivery.give_up_waiting(now - overlap, now)
        self._timers.set(Timer.LOOK, now + overlap / _LOOKS_PER_OVERLAP)

    # Inside

    def _new_leg(self, redial: Redial) -> Leg:
        return Leg(self, self._config, self._shared, self._tally, redial)

    def _remove(self, leg: Leg, heir: Leg | None) -> None:
        self.legs.remove(leg)
        if heir is not None:
            heir.tally.inherit(leg.tally)
