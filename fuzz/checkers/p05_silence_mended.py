"""Promise 5: silence is seen by its own deadline, not earlier, and mended by the smallest step that helps.

What counts as data is what the dialect's ear heard: no acknowledgement, no heartbeat. A stream is asked for anew first;
the connection is replaced the second time, and the third. Then its patience doubles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from holdfast import Cause, Connected, Disconnected, Event, Paused, Resumed, Stale, Subscribed, Unsubscribed
from holdfast.events import SubscriptionRefused

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_ROUND = 3  # steps of the ladder
_LONGEST_STRETCH = 64
_SLACK = 0.25  # of a patience: looks at many streams are rounded up
_TOLERATED = 0.05  # seconds; timers may be so late in good health
_LOOK_EVERY = 20.0  # seconds, at least


@dataclass
class _Run:
    """Of reports about one stream without data in between."""

    reports: int
    at: float  # of the last
    conn: int
    messages: int  # by then, all in all


class SilenceMended(Checker):
    promise = 5

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.plan.is_manifold
        self._stalls = Stalls()
        self._conn: int | None = None
        self._opened_at = 0.0
        self._paused = False
        self._resumed_at = 0.0
        self._reported_at = 0.0  # silence of all of the connection
        self._held: dict[str, float] = {}  # streams, and when they were acknowledged on this connection
        self._runs: dict[str, _Run] = {}
        self._must_replace: tuple[float, str] | None = None
        silences = [self.config.staleness.after]
        if voyage.plan.spoken is not None:
            silences += [voyage.plan.spoken.patient.silence, voyage.plan.spoken.patient.first]
        self._pause = max(_LOOK_EVERY, min((one for one in silences if one is not None), default=math.inf) / 2)
        if self._pause < math.inf and not voyage.plan.is_manifold:
            voyage.world.schedule.call_in(self._pause, self._look_again)

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_event(self, event: Event) -> None:
        if self._must_replace is not None:
            self._judge_step(event, *self._must_replace)
        if isinstance(event, Stale):
            if event.stream is None:
                self._reported_at = event.at
            else:
                self._note_report(event, event.stream)
        elif isinstance(event, Connected):
            self._conn, self._opened_at, self._paused = event.conn, event.at, False
        elif isinstance(event, Disconnected):
            if event.failure.cause is Cause.STREAM_SILENT and self._must_replace is None:
                self.fail(f"connection {event.conn} was replaced before a smaller step was tried: {event.failure}")
            self._must_replace = self._conn = None
            self._held.clear()
        elif isinstance(event, Subscribed):
            self._held.update(dict.fromkeys(event.streams, event.at))
        elif isinstance(event, Unsubscribed):
            for stream in event.streams:
                self._held.pop(stream, None)
        elif isinstance(event, SubscriptionRefused):
            self._held.pop(event.stream, None)
        elif isinstance(event, Paused):
            self._paused = True
        elif isinstance(event, Resumed):
            self._paused, self._resumed_at = False, event.at

    def _judge_step(self, event: Event, at: float, stream: str) -> None:
        if isinstance(event, Stale) and event.at == at:
            return
        if not isinstance(event, Disconnected) or event.at > at:
            self.fail(f"{stream} was silent again, though asked for anew, and the connection was kept at {at:.3f} s")

    # Reported

    def _note_report(self, stale: Stale, stream: str) -> None:
        """It may not come too early, and the step before it must have been taken."""
        run, messages = self._run_of(stream), self.voyage.ear.messages[stream]
        _, soonest, since = self._patience(stream, run)
        needed = soonest + self._stalls.noticeable(since, stale.at, self.config.stall_after + _TOLERATED)
        if stale.at - since < needed - EPSILON:
            self.fail(f"{stream} was called silent after {stale.at - since:g} s; it has {needed:g} s")
        reports = run.reports + 1 if run is not None else 1
        if reports % _ROUND != 1:
            self._must_replace = stale.at, stream
        if run is not None and reports % _ROUND == 2 and run.conn == stale.conn:
            asked = self.voyage.ear.asked_lately(stream)
            if asked < run.at and stale.at - run.at > self.voyage.longest_asking:
                self.fail(f"{stream} was called silent at {run.at:.3f} s, and not asked for anew")
        self._runs[stream] = _Run(reports, stale.at, stale.conn, messages)

    def _run_of(self, stream: str) -> _Run | None:
        """Ended by data, and by a user who did not want the stream for a while."""
        run = self._runs.get(stream)
        if run is None:
            return None
        user = self.voyage.user
        left = user is not None and any(until >= run.at for _, until in user.absent.get(stream, ()))
        return None if left or run.messages != self.voyage.ear.messages[stream] else run

    def _patience(self, stream: str, run: _Run | None) -> tuple[float, float, float]:
        """The longest and the shortest that it may be silent, and since when."""
        assert self.voyage.plan.spoken is not None
        patience = self.voyage.plan.spoken.patience(stream)
        held, heard = self._held.get(stream, math.inf), self.voyage.ear.heard.get(stream, 0.0)
        silence = math.inf if patience.silence is None else patience.silence
        first = silence if patience.first is None else patience.first
        stretch = 1 if run is None else min(2 ** (run.reports // _ROUND), _LONGEST_STRETCH)
        since = max(held, heard, self._resumed_at, run.at if run is not None else 0.0)
        if heard == held:  # in the same read, before or after the acknowledgement
            return max(first, silence) * stretch, min(first, silence) * stretch, since
        limit = silence if heard > held else first
        return limit * stretch, limit * stretch, since

    # Not reported

    def _look_again(self) -> None:
        now = self.voyage.now
        if self.voyage.fleet.ended is None:
            self._look(now)
            self.voyage.world.schedule.call_in(self._pause, self._look_again)

    def after_healing(self, now: float) -> None:
        if self.voyage.fleet.ended is None:
            self._look(now)

    def _look(self, now: float) -> None:
        if self._conn is None or self._paused or self.voyage.process.awake_at >= now:
            return
        after = self.config.staleness.after
        if after is not None and self.voyage.plan.spoken is not None:
            since = max(self._opened_at, self.voyage.ear.last, self._reported_at, self._resumed_at)
            self._judge_silence("all of it", since, after, now)
        states, user = self.voyage.fleet.stream_states(), self.voyage.user
        for stream in self._held:
            if user is not None and states.get(stream) == "subscribed":
                longest, _, since = self._patience(stream, self._run_of(stream))
                self._judge_silence(stream, max(since, user.changed.get(stream, 0.0)), longest * (1 + _SLACK), now)

    def _judge_silence(self, what: str, since: float, allowed: float, now: float) -> None:
        silent = now - since - self._stalls.noticeable(since, now, 0.0)
        if silent > allowed + self.config.stall_after + 1.0:
            self.fail(f"{what} has been silent for {silent:g} s of {allowed:g} s, and nobody said so")
