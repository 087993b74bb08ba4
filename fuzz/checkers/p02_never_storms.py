"""Promise 2: backoff resets only after health, the dial window is strict, Retry-After is obeyed.

A service whose limit we know never has to refuse us.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from fuzz.checkers.p02_redirects_followed import leads_to
from holdfast import Connected, ConnectFailed, Connecting, Disconnected, Endpoint, Event, Item, LegEnded, Rotating

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


@dataclass
class _Line:
    """The connections of one shard, one after the other."""

    latest: int | None = None
    failures: int = 0
    earliest: float = 0.0  # of the dial after the last failure, by what the consumer was told
    last_failed: int | None = None
    rotating: int | None = None  # what is to be replaced


class NeverStorms(Checker):
    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._dials: dict[str, deque[float]] = {}  # by host
        self._dialled_at: dict[int, float] = {}
        self._opened_at: dict[int, float] = {}
        self._next: dict[int, int] = {}  # which connection of its shard was dialled next
        self._lines: defaultdict[int, _Line] = defaultdict(_Line)  # by shard
        self._to_judge: set[int] = set()  # the lines of which the dial after a failure is still to come

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        window, dials = self.config.dial_window, self._dials.setdefault(endpoint.host, deque())
        dials.append(now)
        if len(dials) > window.count and now - dials.popleft() < window.period - EPSILON:
            self.fail(f"more than {window.count} dials in {window.period:g} s")

    def on_event(self, event: Event) -> None:
        if isinstance(event, Connecting) and self.config.legs == 1:
            line = self._lines[self.voyage.shard_of(event.conn)]
            if line.latest is not None:
                self._next[line.latest] = event.conn
            line.latest = event.conn
            self._dialled_at[event.conn] = event.at

    def on_item(self, item: Item, now: float) -> None:
        """A slow consumer hears late: what counts are the times in the events, against those of the dials."""
        if self.config.legs > 1:
            return
        if isinstance(item, Connected):
            self._opened_at[item.conn] = item.at
        elif isinstance(item, Rotating):
            line = self._lines[self.voyage.shard_of(item.conn)]
            self._note_health(line, item.conn, item.at)
            line.rotating = item.conn
        elif isinstance(item, LegEnded):
            self._lines[self.voyage.shard_with(item)].rotating = None
        elif isinstance(item, (ConnectFailed, Disconnected)):
            self._failed(item)

    def _note_health(self, line: _Line, conn: int, at: float) -> None:
        opened = self._opened_at.get(conn)
        if opened is not None and at - opened >= self.config.retry.stable_after:
            line.failures = 0  # it may have been healthy: data is not looked at here

    def _failed(self, item: ConnectFailed | Disconnected) -> None:
        conn, at = item.conn, item.at
        shard = self.voyage.shard_of(conn)
        line = self._lines[shard]
        self._note_health(line, conn, at)
        self._opened_at.pop(conn, None)
        if conn == line.rotating or leads_to(item.failure) is not None:
            return  # its successor is on the way already
        following = self._following(conn)
        line.failures += 1
        # The smallest pause that the settings allow after so many failures.
        pause = self.config.backoff.pause(line.failures, 1.0)
        # Of one door; another one may be tried.
        asked = item.failure.header("retry-after") if len(self.config.targets) == 1 else None
        earliest = at + pause + (float(asked) if asked else 0.0)
        self._dialled_at.pop(conn, None)
        if following is not None and following < earliest - EPSILON:
            self.fail(
                f"the dial behind {conn} came {following - at:g} s after failure {line.failures}, not "
                f"{earliest - at:g} s"
            )
        if following is None:
            line.earliest, line.last_failed = earliest, conn
            self._to_judge.add(shard)

    def _following(self, conn: int) -> float | None:
        """When the next dial was."""
        following = self._next.get(conn)
        return None if following is None else self._dialled_at.get(following)

    def on_settled(self, machine: object, now: float) -> None:
        for shard in sorted(self._to_judge):
            line = self._lines[shard]
            assert line.last_failed is not None
            if (following := self._following(line.last_failed)) is not None:
                self._to_judge.discard(shard)
                if following < line.earliest - EPSILON:
                    self.fail(f"the dial behind {line.last_failed} came {line.earliest - following:g} s too early")


class EveryDialHasItsReason(Checker):
    """Of several connections nobody can tell from outside which dial follows on which failure; but each has one of its
    own, at least the shortest pause ago, but for the first of each connection and those of rotations.
    """

    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = self.config.legs == 1
        # By shard: how many are allowed, and from when on another one is.
        self._allowed: defaultdict[int, int] = defaultdict(lambda: self.config.legs)
        self._permits: defaultdict[int, deque[float]] = defaultdict(deque)
        self._pause = self.config.backoff.pause(1, 1.0)
        self._dialled: set[int] = set()

    def on_event(self, event: Event) -> None:
        if isinstance(event, (ConnectFailed, Disconnected)):
            if event.conn not in self._dialled:
                return  # no endpoint was made for it
            self._dialled.discard(event.conn)
            permits = self._permits[self.voyage.shard_of(event.conn)]
            if leads_to(event.failure) is not None:
                permits.appendleft(event.at)  # at once
            else:
                permits.append(event.at + self._pause)
        elif isinstance(event, Rotating):
            self._allowed[self.voyage.shard_of(event.conn)] += 1

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        if self.config.legs == 1:
            return
        shard = self.voyage.shard_of(conn)
        permits = self._permits[shard]
        while permits and permits[0] <= now + EPSILON:
            permits.popleft()
            self._allowed[shard] += 1
        self._dialled.add(conn)
        self._allowed[shard] -= 1
        if self._allowed[shard] < 0:
            self.fail(f"dial {conn} follows on no failure, or too soon")


class DialLimitKept(Checker):
    """Who sets the dial window to the limit of the service is never refused under it.

    The service counts requests as they arrive; what holds up some of them, or our process, may bring them together.
    """

    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.plan.rules.dial_limit is None
        self._stalls = Stalls()
        self._refused = 0
        self._last_dial = 0.0
        self._reach = self.config.dial_window.period + self.config.timeouts.connect  # how long a dial matters
        self._is_ours_to_keep = False
        if (limit := voyage.plan.rules.dial_limit) is not None:
            window = self.config.dial_window
            weather = voyage.plan.weather
            # A request arrives after three ways; the next one's may be shorter, where the weather changes.
            spread = weather.jitter + (3 * weather.delay if "weather" in voyage.plan.pauses else 0.0)
            self._is_ours_to_keep = window.count <= limit[0] and window.period > limit[1] + spread + EPSILON

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        self._look(now)
        self._last_dial = now

    def after_closing(self, now: float) -> None:
        self._look(now)

    def _look(self, now: float) -> None:
        refused = self.voyage.exchange.ledger.dials_over_limit
        if refused > self._refused and self._is_ours_to_keep:
            since = self._last_dial - self._reach
            if not self._stalls.noticeable(since, now, 0.0) and not self.voyage.held(since, now):
                self.fail(f"refused for dialling too often, within a window of {self.config.dial_window}")
        self._refused = refused
