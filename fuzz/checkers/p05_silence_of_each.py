"""Promise 5 where several connections may carry the same streams: each has its own silences.

Which connection follows on which cannot be told from outside, nor how often one's predecessors had reported a stream:
so there are only bounds on its patience. Of two reports in a row about a stream of one connection, one must have led to
its replacement.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from holdfast import (
    Cause,
    Connected,
    Disconnected,
    Event,
    Paused,
    Resumed,
    Rotated,
    Rotating,
    Stale,
    Subscribed,
    Unsubscribed,
)
from holdfast.events import SubscriptionRefused

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_ROUND = 3  # steps of the ladder
_LONGEST_STRETCH = 64
_SLACK = 0.25  # of a patience: looks at many streams are rounded up
_TOLERATED = 0.05  # seconds; timers may be so late in good health
_LOOK_EVERY = 20.0  # seconds, at least


@dataclass
class _Line:
    """One connection. `held`: streams, and when they were acknowledged. `reported`: when each was said to be silent."""

    opened_at: float
    reported_at: float = 0.0  # silence of all of it
    held: dict[str, float] = field(default_factory=dict[str, float])
    reported: dict[str, float] = field(default_factory=dict[str, float])
    in_vain: set[str] = field(default_factory=set[str])  # reported, then no data, and nothing was being replaced


class SilenceOfEach(Checker):
    promise = 5

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = not voyage.plan.is_manifold
        self._stalls = Stalls()
        self._lines: dict[int, _Line] = {}
        self._rotating: set[int] = set()  # one of each shard at most
        self._paused = False
        self._resumed_at = 0.0
        self._reports: Counter[str] = Counter()  # of a stream, since it was heard on any connection
        self._reported_at: dict[str, float] = {}  # when that was last
        self._must_replace: dict[tuple[int, str], float] = {}
        silences = [self.config.staleness.after]
        if voyage.plan.spoken is not None:
            silences += [voyage.plan.spoken.patient.silence, voyage.plan.spoken.patient.first]
        self._pause = max(_LOOK_EVERY, min((one for one in silences if one is not None), default=math.inf) / 2)
        if voyage.plan.is_manifold and self._pause < math.inf:
            voyage.world.schedule.call_in(self._pause, self._look_again)
        if voyage.roster is not None:
            voyage.roster.on_gone.append(self._shard_gone)

    def _shard_gone(self, shard: int, conns: list[int]) -> None:
        for conn in conns:
            self._leave(conn)

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Stale) and (line := self._lines.get(event.conn)) is not None:
            if event.stream is None:
                line.reported_at = event.at
            else:
                self._note_report(line, event, event.stream)
        elif isinstance(event, Connected):
            self._lines[event.conn] = _Line(event.at)
        elif isinstance(event, Disconnected):
            self._judge_smaller_step(event)
            self._leave(event.conn)
        elif isinstance(event, Rotating):
            self._rotating.add(event.conn)
            self._replaced(event.conn)
        elif isinstance(event, Rotated):
            self._leave(event.previous)
        elif isinstance(event, (Subscribed, Unsubscribed)) and (line := self._lines.get(event.conn)) is not None:
            for stream in event.streams:
                line.held.pop(stream, None)
                if isinstance(event, Subscribed):
                    line.held[stream] = event.at
        elif isinstance(event, SubscriptionRefused) and (line := self._lines.get(event.conn)) is not None:
            line.held.pop(event.stream, None)
        elif isinstance(event, Paused):
            self._paused = True
        elif isinstance(event, Resumed):
            self._paused, self._resumed_at = False, event.at

    def on_settled(self, machine: object, now: float) -> None:
        if self._must_replace:
            (conn, stream), at = next(iter(self._must_replace.items()))
            self.fail(f"{stream} was silent again on {conn}, though asked for anew, and that was kept at {at:.3f} s")

    def _leave(self, conn: int) -> None:
        self._lines.pop(conn, None)
        self._replaced(conn)
        self._rotating.discard(conn)
        if not self._lines:
            self._paused = False

    def _replaced(self, conn: int) -> None:
        for key in [key for key in self._must_replace if key[0] == conn]:
            del self._must_replace[key]
        if (line := self._lines.get(conn)) is not None:
            line.in_vain.clear()

    def _judge_smaller_step(self, event: Disconnected) -> None:
        line = self._lines.get(event.conn)
        if event.failure.cause is Cause.STREAM_SILENT and line is not None and event.at not in line.reported.values():
            self.fail(f"connection {event.conn} was replaced, and nobody was told of a silence: {event.failure}")

    # Reported

    def _note_report(self, line: _Line, stale: Stale, stream: str) -> None:
        """It may not come too early, and the step before it must have been taken."""
        ear, at = self.voyage.ear, stale.at
        heard = ear.heard_on.get((stale.conn, stream), 0.0)
        held, reported = line.held.get(stream, math.inf), line.reported.get(stream, 0.0)
        first, silence = self._patience(stream)
        since = max(held, heard, self._resumed_at, reported)
        limit = min(first, silence) if heard == held else silence if heard > held else first
        needed = limit + self._stalls.noticeable(since, at, self.config.stall_after + _TOLERATED)
        if at - since < needed - EPSILON:
            self.fail(f"{stream} was called silent after {at - since:g} s; it has {needed:g} s")
        user = self.voyage.user
        left = user is not None and user.changed.get(stream, 0.0) >= reported
        if heard >= reported or left:  # what comes in the same moment comes behind it
            line.in_vain.discard(stream)
        if not self._rotating:  # else it has to wait for its turn, if it is not its own
            if stream in line.in_vain:
                self._must_replace[stale.conn, stream] = at
            line.in_vain.add(stream)
        if ear.heard.get(stream, 0.0) > self._reported_at.get(stream, 0.0):
            self._reports[stream] = 0
        self._reported_at[stream] = at
        self._reports[stream] += 1
        line.reported[stream] = at

    def _patience(self, stream: str) -> tuple[float, float]:
        """For the first message, and for later ones."""
        assert self.voyage.plan.spoken is not None
        patience = self.voyage.plan.spoken.patience(stream)
        silence = math.inf if patience.silence is None else patience.silence
        return silence if patience.first is None else patience.first, silence

    # Not reported

    def _look_again(self) -> None:
        now = self.voyage.now
        if self.voyage.fleet.ended is None:
            self._look(now)
            self.voyage.world.schedule.call_in(self._pause, self._look_again)

    def after_healing(self, now: float) -> None:
        if self.voyage.plan.is_manifold and self.voyage.fleet.ended is None:
            self._look(now)

    def _look(self, now: float) -> None:
        if self._paused or self.voyage.process.awake_at >= now or self.voyage.plan.spoken is None:
            return
        ear, after, user = self.voyage.ear, self.config.staleness.after, self.voyage.user
        states = self.voyage.fleet.stream_states()
        for conn, line in self._lines.items():
            if after is not None:
                since = max(line.opened_at, ear.last_on.get(conn, 0.0), line.reported_at, self._resumed_at)
                self._judge_silence(conn, "all of it", since, after, now)
            for stream, held in line.held.items():
                if user is None or states.get(stream) != "subscribed" or self._rotating:
                    continue
                heard = ear.heard_on.get((conn, stream), 0.0)
                since = max(
                    held, heard, self._resumed_at, line.reported.get(stream, 0.0), user.changed.get(stream, 0.0)
                )
                first, silence = self._patience(stream)
                limit = max(first, silence) if heard == held else silence if heard > held else first
                stretch = min(2 ** (self._reports[stream] // _ROUND + 1), _LONGEST_STRETCH)
                self._judge_silence(conn, stream, since, limit * stretch * (1 + _SLACK), now)

    def _judge_silence(self, conn: int, what: str, since: float, allowed: float, now: float) -> None:
        silent = now - since - self._stalls.noticeable(since, now, 0.0)
        if silent > allowed + self.config.stall_after + 1.0:
            self.fail(f"{what} of {conn} has been silent for {silent:g} s of {allowed:g} s, and nobody said so")
