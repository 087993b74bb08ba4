"""One line of connections, of which one at a time is current: it is dialled, watched, and dialled again when lost.

    IDLE -> CONNECTING <--> WAITING       a dial is out | the pause before the next one
               |   ^           ^
               v   |           |
              OPEN ------------+          messages flow | the connection was lost
    any of them -> ENDED                  closed by the feed, or given up

A feed has one leg, or as many as `legs` says, and another one while a rotation is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, IntEnum
from typing import ClassVar

from holdfast.config import FeedConfig
from holdfast.connection import Connection, Lost, Opened, Pong, Refused, Report
from holdfast.dialects.words import Update
from holdfast.endpoint import Endpoint
from holdfast.events import (
    Connected,
    ConnectFailed,
    Connecting,
    Disconnected,
    Event,
    Message,
    PongReceived,
    Redirected,
    RetryScheduled,
    Stale,
)
from holdfast.failures import Cause, Failure
from holdfast.source import shown
from holdfast.supervisor.above import LegOwner, Replace
from holdfast.supervisor.data_watch import DataWatch
from holdfast.supervisor.redial import Redial
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.streams import Streams
from holdfast.supervisor.tally import LegTally, Tally
from holdfast.timers import Timers


class State(Enum):
    """Where a leg stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    ENDED = "ended"


class Timer(IntEnum):
    """The deadlines of a leg, beside those of its connection and its streams."""

    DIAL = 0  # the next dial
    STALE = 1  # the next look at the silence of data


class Leg:
    """Its connections, its redials, and the watch over its data."""

    __slots__ = (
        "_config",
        "_owner",
        "_shared",
        "_tally",
        "_timers",
        "current",
        "data",
        "redial",
        "state",
        "streams",
        "tally",
    )

    def __init__(self, owner: LegOwner, config: FeedConfig, shared: Shared, tally: Tally, redial: Redial) -> None:
        self.state = State.IDLE
        self.current: Connection | None = None
        self.data = DataWatch()
        self.redial = redial
        self.tally = LegTally()
        self._owner = owner
        self.streams: Streams | None = None
        if config.dialect is not None:
            self.streams = Streams(config.dialect, config, shared, self, tally)
        self._config = config
        self._shared = shared
        self._tally = tally
        self._timers = Timers(Timer)

    # Inputs

    def dial(self, now: float) -> None:
        """Dial where the plan says, as soon as the host's window lets it."""
        target = self.redial.target
        if isinstance(target, Endpoint):
            if (free := self._dial_window_opens(target, now)) > now:
                self._wait_for_window(target, free, now)
                return
            self._note_dial(target, now)
        self._timers.clear(Timer.DIAL)
        self.redial.dialling()
        self.state = State.CONNECTING
        shared = self._shared
        self.current = Connection(
            shared.next_conn(),
            target,
            self._config,
            entropy=shared.entropy,
            mask=shared.mask,
            commands=shared.commands,
            now=now,
        )
        self._owner.dialled(self, self.current)
        self._owner.emit(Connecting(now, self.current.conn, shown(target), self.redial.attempt))

    def endpoint_made(self, connection: Connection, endpoint: Endpoint, now: float) -> None:
        """The user's function made it: dial there, or not yet."""
        if (free := self._dial_window_opens(endpoint, now)) > now:
            connection.endpoint_made(None)
            self._not_dialled(connection)
            self._wait_for_window(endpoint, free, now)
        else:
            connection.endpoint_made(endpoint)
            self._note_dial(endpoint, now)

    def postponed(self, connection: Connection, until: float, now: float) -> None:
        """The driver did not dial: the window that is shared with other processes is full until then."""
        assert connection.endpoint is not None
        self._shared.dial_window(connection.endpoint.host, self._config.dial_window).take_back()
        self._tally.dials -= 1
        self._shared.dials -= 1
        self._not_dialled(connection)
        self._wait_for_window(connection.endpoint, max(until, now), now, " from all processes")

    def handle(self, connection: Connection, report: Report, now: float) -> None:
        """What the current connection told."""
        self._HANDLERS[type(report)](self, connection, report, now)

    def deliver(self, messages: list[str | bytes], nbytes: int, now: float) -> None:
        """Messages of the current connection, `nbytes` in all."""
        if self.streams is None:
            self.data.arrived(now)
            self._owner.delivery.deliver(self, messages, nbytes, now)  # type: ignore[arg-type]  # as Messages, to read
            return
        rest = nbytes

        def pass_on(updates: list[Update]) -> None:
            nonlocal rest
            share = sum(len(update.text) for update in updates)
            rest = max(0, rest - share)
            self._pass_on(updates, share, now)  # type: ignore[arg-type]  # likewise

        updates = self.streams.read(messages, self._owner.delivery.readings, pass_on, now)
        if updates:
            self._pass_on(updates, rest, now)  # type: ignore[arg-type]  # likewise

    def tick(self, now: float) -> None:
        """What is due, but for the connection's own deadlines."""
        if self.streams is not None and (replace := self.streams.tick(now)) is not None:
            self._replace(replace, now)
        timer = self._timers.expired(now)
        if timer == Timer.DIAL:
            self.dial(now)
        elif timer == Timer.STALE:
            self._look_for_data(now)

    def stalled(self, late: float) -> None:
        """For `late` seconds we did not look."""
        if self.current is not None:
            self.data.excuse(late)
        if self.streams is not None:
            self.streams.stalled(late)

    def pause(self) -> bool:
        """Stop reading; whether it was going on."""
        return self.current is not None and self.current.pause()

    def resume(self, now: float) -> None:
        """Read again."""
        if self.is_paused and self.current is not None:
            self.current.resume()
            self.data.resumed(now)
            if self.streams is not None:
                self.streams.resumed(now)

    def drop(
        self, failure: Failure, now: float, code: int = 1000, reason: str = "", *, elsewhere: bool = False
    ) -> None:
        """Close the open connection: it counts as lost. `elsewhere`: go on at another endpoint, if there is one."""
        current = self.current
        assert current is not None
        current.close(now, code, reason)
        self._on_lost(current, Lost(failure), now, elsewhere=elsewhere)

    def end(self, now: float, code: int = 1000, reason: str = "") -> None:
        """No dial any more; what is open is closed."""
        if self.current is not None:
            self.current.close(now, code, reason)
        self._no_current()
        self.state = State.ENDED

    def probe(self, now: float) -> None:
        """Send a ping now: its answer proves that whatever was sent before it has come. Requests that wait for room in
        the message window come first, or they might wait for ever.
        """
        waits = self.streams is not None and self.streams.waits_for_room
        if self.current is not None and self.is_open and not waits:
            self.current.probe(now)

    # What the streams tell

    @property
    def wanted(self) -> dict[str, None]:
        return self._owner.wanted

    def emit(self, event: Event) -> None:
        self._owner.emit(event)

    def covered(self, streams: Sequence[str], now: float) -> None:
        self._owner.covered(self, streams, now)

    def uncovered(self, streams: Sequence[str], now: float, *, gone: bool) -> None:
        self._owner.uncovered(self, streams, now, gone=gone)

    def was_silent(self, stream: str, since: float, now: float) -> None:
        self._owner.was_silent(self, stream, since, now)

    def missed(self, first: int, last: int, since: float, now: float) -> None:
        self._owner.missed(self, first, last, since, now)

    def going_away(self, now: float) -> None:
        self._owner.going_away(self, now)

    # Getters

    @property
    def is_open(self) -> bool:
        return self.state is State.OPEN

    @property
    def is_paused(self) -> bool:
        return self.state is State.OPEN and self.current is not None and self.current.paused

    @property
    def is_healthy(self) -> bool:
        """The current connection has proven itself: data has been flowing for long enough."""
        flows = self.state is State.OPEN and self.data.flowed_for >= self._config.retry.stable_after
        return flows and (self.streams is None or self.streams.is_settled)

    def next_deadline(self) -> float:
        deadline = self._timers.next()
        return deadline if self.streams is None else min(deadline, self.streams.next_deadline())

    # Messages

    def _pass_on(self, messages: list[Message], nbytes: int, now: float) -> None:
        self.data.arrived(now)
        self._owner.delivery.deliver(self, messages, nbytes, now)

    # Dialling

    def _dial_window_opens(self, endpoint: Endpoint, now: float) -> float:
        """When the host may be dialled; in the past if it may now."""
        return self._shared.dial_window(endpoint.host, self._config.dial_window).free_at(now)

    def _not_dialled(self, connection: Connection) -> None:
        self.current = None
        self.redial.not_dialled()
        self._owner.refused(self, connection)

    def _wait_for_window(self, endpoint: Endpoint, free: float, now: float, whose: str = "") -> None:
        setting = self._config.dial_window
        free = max(free, self._shared.dial_window(endpoint.host, setting).promise(now))
        detail = f"{setting.count} dials in {setting.period:g} s to {endpoint.host}{whose}"
        self._wait(free, Failure(Cause.DIAL_WINDOW, detail), now)

    def _note_dial(self, endpoint: Endpoint, now: float) -> None:
        self._shared.dial_window(endpoint.host, self._config.dial_window).note(now)
        self._tally.dials += 1
        self._shared.dials += 1

    def _wait(self, until: float, failure: Failure, now: float) -> None:
        self.state = State.WAITING
        self._timers.set(Timer.DIAL, until)
        self._owner.emit(RetryScheduled(now, until - now, self.redial.next_attempt, failure))

    def _go_on_after(self, connection: Connection, failure: Failure, now: float, *, healthy: bool) -> None:
        """The current connection is no more: plan the next, or give up."""
        wall_now = now + self._shared.wall_offset
        own = self.streams.mistakes.verdict(failure, now) if self.streams is not None else None
        plan = self.redial.after(failure, now, wall_now, endpoint=connection.endpoint, healthy=healthy, own=own)
        if plan.give_up is not None:
            self.state = State.ENDED
            self._owner.gave_up(self, failure, plan.give_up, now)
        elif plan.followed is not None:
            self._owner.emit(Redirected(now, plan.followed.safe_url, failure.status or 0))
            self.dial(now)
        else:
            self._wait(now + plan.delay, failure, now)

    def _note(self, failure: Failure) -> None:
        self._tally.note(failure)
        self.tally.note(failure)

    def _no_current(self) -> None:
        self.current = None
        self._timers.clear_all()
        if self.streams is not None:
            self.streams.lost()

    # What the connection reports

    def _on_opened(self, connection: Connection, report: Opened, now: float) -> None:
        self.state = State.OPEN
        self._tally.connections += 1
        self.redial.opened()
        self.data.opened(now)
        if self._config.staleness.after is not None:
            self._timers.set(Timer.STALE, now + self._config.staleness.after)
        assert connection.endpoint is not None
        url, took = connection.endpoint.safe_url, now - connection.dialled_at
        self._owner.emit(Connected(now, connection.conn, url, took, report.subprotocol, report.headers))
        for message in self._config.on_open:
            if connection.is_open:
                connection.send(message, now)
        if self.streams is not None:
            self.streams.opened(connection, now)
        self._owner.opened(self, now)

    def _on_refused(self, connection: Connection, report: Refused, now: float) -> None:
        self._owner.emit(ConnectFailed(now, connection.conn, report.failure))
        self._note(report.failure)
        self._no_current()
        self.state = State.WAITING
        self._owner.refused(self, connection)
        if self.state is State.WAITING:  # else the feed wants it no more
            self._go_on_after(connection, report.failure, now, healthy=False)

    def _on_lost(self, connection: Connection, report: Lost, now: float, *, elsewhere: bool = False) -> None:
        # Bytes arrive in order: whatever was sent before the last of them has come. But a server that fell silent may
        # have been losing messages since its last one.
        failure = report.failure
        since = self.data.missed_since if failure.cause is Cause.NO_DATA else connection.last_received
        self._owner.emit(Disconnected(now, connection.conn, failure, now - connection.opened_at))
        self._note(failure)
        healthy = self.is_healthy and not elsewhere
        self._no_current()
        self.state = State.WAITING
        self._owner.lost(self, connection, since, failure, now)
        if self.state is State.WAITING:  # else the feed wants it no more
            self._go_on_after(connection, failure, now, healthy=healthy)

    def _on_pong(self, connection: Connection, report: Pong, now: float) -> None:
        self._tally.ponged(report.rtt)
        self._owner.emit(PongReceived(now, connection.conn, report.rtt))
        self._owner.ponged(self, now - report.rtt, now)

    _HANDLERS: ClassVar[dict[type[Report], Callable[..., None]]] = {
        Opened: _on_opened,
        Refused: _on_refused,
        Lost: _on_lost,
        Pong: _on_pong,
    }

    # Judging the current connection

    def _replace(self, replace: Replace, now: float) -> None:
        if not self._owner.replace(self, replace, now):
            self.drop(replace.failure, now, reason=replace.failure.cause.value, elsewhere=replace.elsewhere)

    def _look_for_data(self, now: float) -> None:
        staleness, current = self._config.staleness, self.current
        assert staleness.after is not None
        assert current is not None
        since = self.data.silent_since
        if current.paused:
            self._timers.set(Timer.STALE, now + staleness.after)
        elif now < since + staleness.after:
            self._timers.set(Timer.STALE, since + staleness.after)
        else:
            self._timers.set(Timer.STALE, now + staleness.after)
            self._owner.emit(Stale(now, current.conn, now - since))
            if staleness.reconnect:
                self.drop(Failure(Cause.NO_DATA, f"for {now - since:.3g} s"), now, reason="no data")
