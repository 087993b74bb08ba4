"""Promise 4: a live peer is never condemned. Whoever is given up must have deserved it, by the world's own clock.

And no peer has reason to condemn us: its pings are answered in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from holdfast import Cause, ConnectFailed, Connecting, Disconnected, Endpoint, Event
from holdfast.commands import Command, Disconnect, Pause, Resume, Write

if TYPE_CHECKING:
    from fuzz.voyage import Voyage
    from holdfast.testing import ConnectionRecord

_PING = 0x89
_CLOSE = 0x88
_MESSAGE_MARK = b'{"'  # begins every text of the service, and is not cut: every fragment has two bytes at least
_TOLERATED = 0.05  # seconds; timers may be so late in good health


@dataclass
class _Truth:
    """Of one connection; times."""

    dialled: float
    last_data: float  # of a feed without a dialect, which takes heartbeats for data
    pinged: float | None = None  # the first ping since the last byte arrived
    judged: bool = False  # it is being closed: what still arrives was not known then


class LivePeerKept(Checker):
    promise = 4

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._stalls = Stalls()
        self._truth: dict[int, _Truth] = {}
        self._marked = voyage.plan.spoken is None  # else the dialect has an ear for data

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_command(self, command: Command, now: float) -> None:
        truth = self._truth.get(command.conn)
        if truth is None or truth.judged:
            return
        if isinstance(command, Disconnect) or (isinstance(command, Write) and command.data[0] == _CLOSE):
            truth.judged = True
        elif isinstance(command, Write) and command.data[0] == _PING:
            truth.pinged = truth.pinged or now
        elif isinstance(command, (Pause, Resume)):
            # What the peer says while we do not read proves nothing: silence counts from here.
            truth.pinged = None
            truth.last_data = now

    def on_arrival(self, conn: int, data: bytes, now: float) -> None:
        truth = self._truth.get(conn)
        if truth is None or truth.judged:
            return
        truth.pinged = None
        if self._marked and _MESSAGE_MARK in data:
            truth.last_data = now

    def on_event(self, event: Event) -> None:
        if isinstance(event, (Disconnected, ConnectFailed)):
            self._judge(event, self._truth.pop(event.conn))
        elif isinstance(event, Connecting):  # its endpoint may still have to be made, and its dial be put off
            self._truth[event.conn] = _Truth(dialled=event.at, last_data=event.at)

    def _judge(self, item: Disconnected | ConnectFailed, truth: _Truth) -> None:
        cause, timeout = item.failure.cause, self.config.keepalive.timeout
        if cause is Cause.PONG_TIMEOUT:
            if truth.pinged is None:
                self.fail(f"connection {item.conn} was condemned, though bytes had arrived since the ping")
            else:
                self._had(truth.pinged, item, timeout, timeout / 4, "a ping")
        elif cause is Cause.NO_DATA:
            since = max(truth.last_data, self.voyage.ear.last_on.get(item.conn, 0.0))
            self._had(since, item, self.config.staleness.after or 0.0, self.config.stall_after, "data")
        elif cause is Cause.DIAL_TIMEOUT and item.failure.detail != "simulated":
            self._had(truth.dialled, item, self.config.timeouts.connect, self.config.stall_after, "the dial")

    def _had(self, since: float, item: Disconnected | ConnectFailed, needed: float, step: float, what: str) -> None:
        """The peer must have had its time, and the time that we were noticeably away on top."""
        had = item.at - since
        needed += self._stalls.noticeable(since, item.at, step + _TOLERATED)
        if had < needed - EPSILON:
            self.fail(
                f"connection {item.conn} was given up {had:g} s after {what}; it has {needed:g} s: {item.failure}"
            )


class PingsAnswered(Checker):
    """Whoever is closed under `Rules.pong_timeout` must have had no time to answer.

    There is none while our process stalls, while reading is paused (a ping behind what lies unread is not seen), and
    while the network holds the bytes.
    """

    promise = 4

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.plan.rules.pong_timeout is None
        self._timeout = voyage.plan.rules.pong_timeout
        self._stalls, self._pauses = Stalls(), Stalls()
        self._paused: set[int] = set()
        self._paused_since: float | None = None
        self._latest = 0  # the latest of the exchange's connections that was looked at
        self._watched: list[ConnectionRecord] = []

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_command(self, command: Command, now: float) -> None:
        """One of several connections is enough: which of the service's it is nobody knows."""
        if isinstance(command, Pause):
            self._paused.add(command.conn)
            self._paused_since = self._paused_since or now
        elif isinstance(command, (Resume, Disconnect)):
            self._paused.discard(command.conn)
            if not self._paused:
                self._end_pause(now)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Disconnected):
            self._paused.discard(event.conn)
            if not self._paused:
                self._end_pause(event.at)

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        self._look()

    def after_closing(self, now: float) -> None:
        self._paused.clear()
        self._end_pause(now)
        self._look()

    def _end_pause(self, now: float) -> None:
        if self._paused_since is not None:
            self._pauses.add(self._paused_since, now)
            self._paused_since = None

    def _look(self) -> None:
        if self._timeout is None:
            return
        connections = self.voyage.exchange.ledger.connections
        self._watched += takewhile(lambda record: record.conn > self._latest, reversed(connections))
        self._latest = connections[-1].conn if connections else 0
        for record in self._watched:
            if record.closed_by == "pong_timeout" and record.closed_at is not None:
                self._judge(record, record.closed_at, self._timeout)
        self._watched = [one for one in self._watched if one.closed_by is None and one.ended_at is None]

    def _judge(self, record: ConnectionRecord, closed_at: float, timeout: float) -> None:
        since, weather = closed_at - timeout, self.voyage.plan.weather
        lost = self._stalls.noticeable(since, closed_at, 0.0) + self._pauses.noticeable(since, closed_at, 0.0)
        if self._paused_since is not None:  # and is so still
            lost += max(0.0, closed_at - max(since, self._paused_since))
        lost += self.voyage.held(since, closed_at, record.accepted_at)
        had = timeout - lost - 2 * (weather.delay + weather.jitter)
        if had > EPSILON:
            self.fail(
                f"connection {record.conn} of the service got no pong in time; {had:g} s more than needed were there"
            )
