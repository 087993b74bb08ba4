"""Promise 2: backoff resets only after health, the dial window is strict, Retry-After is obeyed.

A service whose limit we know never has to refuse us.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from holdfast import Connected, ConnectFailed, Disconnected, Endpoint, Event, Item, LegEnded, Rotating

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class NeverStorms(Checker):
    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._dials: dict[str, deque[float]] = {}  # by host
        self._dialled_at: dict[int, float] = {}
        self._opened_at: dict[int, float] = {}
        self._rotating: set[int] = set()  # what is to be replaced
        self._failures = 0
        self._earliest = 0.0  # of the dial after the last failure, by what the consumer was told
        self._last_failed: int | None = None

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        window, dials = self.config.dial_window, self._dials.setdefault(endpoint.host, deque())
        dials.append(now)
        if len(dials) > window.count and now - dials.popleft() < window.period - EPSILON:
            self.fail(f"more than {window.count} dials in {window.period:g} s")
        self._dialled_at[conn] = now
        if self._last_failed is not None and conn == self._last_failed + 1:
            self._last_failed = None
            if now < self._earliest - EPSILON:
                self.fail(f"dial {conn} came {self._earliest - now:g} s too early")

    def on_item(self, item: Item, now: float) -> None:
        """A slow consumer hears late: what counts are the times in the events, against those of the dials."""
        if self.config.legs > 1:
            return
        if isinstance(item, Connected):
            self._opened_at[item.conn] = item.at
        elif isinstance(item, Rotating):
            self._note_health(item.conn, item.at)
            self._rotating = {item.conn}
        elif isinstance(item, LegEnded):
            self._rotating = set()
        elif isinstance(item, (ConnectFailed, Disconnected)):
            self._failed(item)

    def _note_health(self, conn: int, at: float) -> None:
        opened = self._opened_at.get(conn)
        if opened is not None and at - opened >= self.config.retry.stable_after:
            self._failures = 0  # it may have been healthy: data is not looked at here

    def _failed(self, item: ConnectFailed | Disconnected) -> None:
        conn, at = item.conn, item.at
        self._note_health(conn, at)
        self._opened_at.pop(conn, None)
        if conn in self._rotating:
            return  # its successor is on the way already
        following = self._dialled_at.get(conn + 1)
        self._failures += 1
        # The smallest pause that the settings allow after so many failures.
        pause = self.config.backoff.pause(self._failures, 1.0)
        # Of one door; another one may be tried.
        asked = item.failure.header("retry-after") if len(self.config.targets) == 1 else None
        earliest = at + pause + (float(asked) if asked else 0.0)
        self._dialled_at.pop(conn, None)
        if following is not None and following < earliest - EPSILON:
            self.fail(
                f"dial {conn + 1} came {following - at:g} s after failure {self._failures}, not {earliest - at:g} s"
            )
        if following is None:
            self._earliest, self._last_failed = earliest, conn


class EveryDialHasItsReason(Checker):
    """Of several connections nobody can tell from outside which dial follows on which failure; but each has one of its
    own, at least the shortest pause ago, but for the first of each connection and those of rotations.
    """

    promise = 2

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = self.config.legs == 1
        self._allowed = self.config.legs
        self._permits: deque[float] = deque()  # from when on another one is allowed
        self._pause = self.config.backoff.pause(1, 1.0)

    def on_event(self, event: Event) -> None:
        if isinstance(event, (ConnectFailed, Disconnected)):
            self._permits.append(event.at + self._pause)
        elif isinstance(event, Rotating):
            self._allowed += 1

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        if self.config.legs == 1:
            return
        while self._permits and self._permits[0] <= now + EPSILON:
            self._permits.popleft()
            self._allowed += 1
        self._allowed -= 1
        if self._allowed < 0:
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
