"""Floor 3: one feed that outlives its connections. Here it is decided what to do about whatever happens.

    IDLE -> CONNECTING <--> WAITING       a dial is out | the pause before the next one
               |   ^           ^
               v   |           |
              OPEN ------------+          messages flow | the connection was lost
    any of them -> CLOSING -> CLOSED      closed by the user, or given up: until the last socket is gone

There is at most one current connection. One that was lost or replaced lingers among `connections` until its socket is
closed; what it still brings is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, IntEnum
from typing import ClassVar

from holdfast.config import FeedConfig
from holdfast.connection import Connection, Lost, Opened, Pong, Refused, Report, encode, size_of
from holdfast.connection import State as ConnectionState
from holdfast.dialects.words import Update
from holdfast.endpoint import Endpoint
from holdfast.errors import FeedClosed, LocalProtocolError, NotOpen
from holdfast.events import (
    Closed,
    Connected,
    ConnectFailed,
    Connecting,
    Disconnected,
    Event,
    Gap,
    Item,
    Message,
    Paused,
    PongReceived,
    Redirected,
    Resumed,
    RetryScheduled,
    Stale,
    Stall,
)
from holdfast.failures import Cause, Failure
from holdfast.stats import FeedStats
from holdfast.supervisor.data_watch import DataWatch
from holdfast.supervisor.queue import ItemQueue
from holdfast.supervisor.redial import Redial
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.streams import Replace, Streams
from holdfast.supervisor.tally import Tally
from holdfast.timers import Timers


class State(Enum):
    """Where a feed stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    CLOSING = "closing"
    CLOSED = "closed"


class Timer(IntEnum):
    """The deadlines of a feed, beside those of its connections."""

    DIAL = 0  # the next dial
    STALE = 1  # the next look at the silence of data


class Supervisor:
    """One feed. The fleet gives it inputs with a `now` that never runs backwards."""

    def __init__(self, config: FeedConfig, shared: Shared) -> None:
        self.state = State.IDLE
        self.connections: dict[int, Connection] = {}
        self.ended: Closed | None = None  # the last item, once there is one
        self._config = config
        self._shared = shared
        self._queue = ItemQueue(config.limits.max_queue_size, config.overflow)
        self._timers = Timers(Timer)
        self._redial = Redial(config, shared.random)
        self._current: Connection | None = None
        self._gap: tuple[float, Failure] | None = None  # since when, and why, messages may have been lost
        self._data = DataWatch()
        self._streams: Streams | None = None
        if config.dialect is not None:
            self._streams = Streams(config.dialect, config, shared, emit=self._emit, declare_gap=self._declare_gap)
        self._tally = Tally()

    # Inputs

    def start(self, now: float) -> None:
        if self.state is State.IDLE:
            self._dial(now)

    def connected(self, conn: int, now: float) -> None:
        self.connections[conn].connected(now)

    def endpoint_made(self, conn: int, endpoint: Endpoint, now: float) -> None:
        connection = self.connections[conn]
        if (free := self._dial_window_opens(endpoint, now)) > now:
            connection.endpoint_made(None)
            self._current = None
            self._forget_closed()
            self._redial.not_dialled()
            self._wait_for_window(endpoint, free, now)
        else:
            connection.endpoint_made(endpoint)
            self._note_dial(endpoint, now)

    def on_connect_done(self, conn: int, failure: Failure | None, now: float) -> None:
        connection = self.connections[conn]
        messages: list[str | bytes] = []
        self._handle(connection, connection.on_connect_done(failure, now, messages), now)
        for message in messages:  # one by one: a policy of Overflow drops what was delivered together
            if connection is self._current:
                self._deliver([message], size_of(message), now)

    def connect_failed(self, conn: int, failure: Failure, now: float) -> None:
        connection = self.connections[conn]
        self._handle(connection, connection.connect_failed(failure), now)

    def received(self, conn: int, data: bytes, now: float) -> bool:
        """Returns whether more came of it than messages, so that deadlines may have moved nearer."""
        connection = self.connections[conn]
        messages: list[str | bytes] = []
        held, grown = connection.held, connection.grown
        reports = connection.received(data, now, messages)
        self._tally.bytes += len(data)
        nbytes = len(data) + held - connection.held + connection.grown - grown  # of the messages, inflated
        if not reports:
            if messages:
                self._deliver(messages, nbytes, now)
            return self._streams is not None  # whose deadlines move with what the service answers
        # Opened stands before the first message; all else stands behind those that came with it.
        first = 1 if isinstance(reports[0], Opened) else 0
        self._handle(connection, reports[:first], now)
        if messages and connection is self._current:
            self._deliver(messages, nbytes, now)
        self._handle(connection, reports[first:], now)
        return True

    def disconnected(self, conn: int, failure: Failure | None, now: float) -> None:
        connection = self.connections[conn]
        self._handle(connection, connection.disconnected(failure), now)

    def tick(self, now: float) -> None:
        self._resume_if_drained(now)
        while self.next_deadline() <= now:
            for connection in list(self.connections.values()):
                if connection.next_deadline() <= now:
                    self._handle(connection, connection.tick(now), now)
            if self._streams is not None and (replace := self._streams.tick(now)) is not None:
                self._replace(replace, now)
            timer = self._timers.expired(now)
            if timer == Timer.DIAL:
                self._dial(now)
            elif timer == Timer.STALE:
                self._look_for_data(now)

    def stalled(self, late: float, now: float, *, report: bool) -> None:
        """Our own process was away for `late` seconds: whatever judges others waits that much longer."""
        for connection in self.connections.values():
            connection.stalled(late)
        if self._current is not None:
            self._data.excuse(late)
        if self._streams is not None:
            self._streams.stalled(late)
        if report and self.state not in (State.IDLE, State.CLOSING, State.CLOSED):
            self._tally.stalls += 1
            self._emit(Stall(now, late))

    def subscribe(self, streams: Iterable[str], now: float) -> None:
        """Raises ConfigError for what cannot be asked for, LocalProtocolError without a dialect."""
        self._need_streams().subscribe(streams, now)

    def unsubscribe(self, streams: Iterable[str], now: float) -> None:
        """Raises LocalProtocolError without a dialect."""
        self._need_streams().unsubscribe(streams, now)

    def send(self, message: str | bytes, now: float) -> None:
        """Raises FeedClosed, NotOpen, or LocalProtocolError for what is no message; then nothing was sent."""
        encode(message)
        if self.state in (State.CLOSING, State.CLOSED):
            raise FeedClosed("the feed is closed: open a new one to send")
        if self._current is None or self.state is not State.OPEN:
            raise NotOpen(f"the feed is {self.state.value}, not open: wait for Connected, then send")
        self._current.send(message, now)

    def send_on(self, conn: int, message: str | bytes, now: float) -> None:
        """For `on_connect`. Raises NotOpen when the connection is gone, LocalProtocolError for what is no message."""
        encode(message)
        if conn not in self.connections:
            raise NotOpen(f"connection {conn} is gone")
        self.connections[conn].send(message, now)

    def close(self, now: float, code: int, reason: str) -> None:
        """End it within `Timeouts.close`, from every state. What is queued can still be taken."""
        if self.state in (State.CLOSING, State.CLOSED):
            return
        if self._current is not None:
            self._current.close(now, code, reason)
        self._end(Closed(now))
        self._forget_closed()

    def take_items(self, limit: int | None) -> list[Item]:
        return self._queue.take(limit)

    def stream_states(self) -> dict[str, str]:
        """For each wanted stream: wanted, asked, subscribed or refused."""
        return self._streams.states() if self._streams is not None else {}

    def _need_streams(self) -> Streams:
        if self._streams is None:
            raise LocalProtocolError("this feed has no dialect: send requests yourself, or in on_open")
        if self.state in (State.CLOSING, State.CLOSED):
            raise FeedClosed("the feed is closed: open a new one to subscribe")
        return self._streams

    # Getters

    @property
    def has_items(self) -> bool:
        return self._queue.count > 0

    @property
    def _is_healthy(self) -> bool:
        """The current connection has proven itself: data has been flowing for long enough."""
        flows = self.state is State.OPEN and self._data.flowed_for >= self._config.retry.stable_after
        return flows and (self._streams is None or self._streams.is_settled)

    @property
    def is_drained(self) -> bool:
        """Reading was paused, and can go on: give it a tick."""
        current = self._current
        is_paused = current is not None and current.paused and self.state is State.OPEN
        return is_paused and self._queue.is_half_empty

    def next_deadline(self) -> float:
        deadline = self._timers.next()
        if self._streams is not None:
            deadline = min(deadline, self._streams.next_deadline())
        for connection in self.connections.values():
            deadline = min(deadline, connection.next_deadline())
        return deadline

    def stats(self, now: float) -> FeedStats:
        current = self._current if self.state is State.OPEN else None
        return FeedStats(
            state=self.state.value,
            messages=self._tally.messages,
            received_bytes=self._tally.bytes,
            queued_messages=self._queue.count,
            queued_bytes=self._queue.size,
            dropped=self._queue.dropped,
            dials=self._tally.dials,
            connections=self._tally.connections,
            attempt=0 if self._is_healthy else self._redial.attempt,
            gaps=self._tally.gaps,
            stalls=self._tally.stalls,
            losses=dict(self._tally.losses),
            connected_for=now - current.opened_at if current else None,
            data_age=now - self._data.last if self._data.last is not None else None,
            byte_age=now - current.last_received if current else None,
            rtt=self._tally.rtt,
            last_failure=str(self._tally.last_failure) if self._tally.last_failure else None,
        )

    # Dialling

    def _dial(self, now: float) -> None:
        target = self._redial.target
        if isinstance(target, Endpoint):
            if (free := self._dial_window_opens(target, now)) > now:
                self._wait_for_window(target, free, now)
                return
            self._note_dial(target, now)
        self._timers.clear(Timer.DIAL)
        self._redial.dialling()
        self.state = State.CONNECTING
        shared = self._shared
        connection = Connection(
            shared.next_conn(),
            target,
            self._config,
            entropy=shared.entropy,
            mask=shared.mask,
            commands=shared.commands,
            now=now,
        )
        self._current = self.connections[connection.conn] = connection
        url = target.safe_url if isinstance(target, Endpoint) else f"{target.name}()"
        self._emit(Connecting(now, connection.conn, url, self._redial.attempt))

    def _dial_window_opens(self, endpoint: Endpoint, now: float) -> float:
        """When the host may be dialled; in the past if it may now."""
        return self._shared.dial_window(endpoint.host, self._config.dial_window).free_at(now)

    def _wait_for_window(self, endpoint: Endpoint, free: float, now: float) -> None:
        setting = self._config.dial_window
        detail = f"{setting.count} dials in {setting.period:g} s to {endpoint.host}"
        self._wait(free, Failure(Cause.DIAL_WINDOW, detail), now)

    def _note_dial(self, endpoint: Endpoint, now: float) -> None:
        self._shared.dial_window(endpoint.host, self._config.dial_window).note(now)
        self._tally.dials += 1

    def _wait(self, until: float, failure: Failure, now: float) -> None:
        self.state = State.WAITING
        self._timers.set(Timer.DIAL, until)
        self._emit(RetryScheduled(now, until - now, self._redial.next_attempt, failure))

    def _go_on_after(self, connection: Connection, failure: Failure, now: float, *, elsewhere: bool = False) -> None:
        """The current connection is no more: plan the next, or give up."""
        self._tally.note(failure)
        healthy = self._is_healthy and not elsewhere
        self._no_current()
        wall_now = now + self._shared.wall_offset
        plan = self._redial.after(failure, now, wall_now, endpoint=connection.endpoint, healthy=healthy)
        if plan.give_up is not None:
            self._end(Closed(now, failure, plan.give_up))
        elif plan.followed is not None:
            self._emit(Redirected(now, plan.followed.safe_url, failure.status or 0))
            self._dial(now)
        else:
            self._wait(now + plan.delay, failure, now)

    def _end(self, closed: Closed) -> None:
        """Nothing new begins from here. The last item stands in the queue at once; sockets may take longer."""
        self._no_current()
        self._declare_gap(closed.at)
        self.state = State.CLOSING
        self.ended = closed
        self._emit(closed)

    def _no_current(self) -> None:
        self._current = None
        self._timers.clear_all()
        if self._streams is not None:
            self._streams.lost()

    # What connections report

    def _handle(self, connection: Connection, reports: Sequence[Report], now: float) -> None:
        for report in reports:
            if connection is self._current:
                self._HANDLERS[type(report)](self, connection, report, now)
        if connection.state is ConnectionState.CLOSED:
            self._forget_closed()

    def _forget_closed(self) -> None:
        self.connections = {
            conn: connection
            for conn, connection in self.connections.items()
            if connection.state is not ConnectionState.CLOSED
        }
        if self.state is State.CLOSING and not self.connections:
            self.state = State.CLOSED

    def _on_opened(self, connection: Connection, report: Opened, now: float) -> None:
        self.state = State.OPEN
        self._tally.connections += 1
        self._redial.opened()
        self._data.opened(now)
        if self._config.staleness.after is not None:
            self._timers.set(Timer.STALE, now + self._config.staleness.after)
        assert connection.endpoint is not None
        url, took = connection.endpoint.safe_url, now - connection.dialled_at
        self._emit(Connected(now, connection.conn, url, took, report.subprotocol, report.headers))
        if self._streams is None:
            self._declare_gap(now)
        for message in self._config.on_open:
            if connection.is_open:
                connection.send(message, now)
        if self._streams is not None:
            self._streams.opened(connection, now)
        if self._queue.is_full:
            self._on_full(now)

    def _on_refused(self, connection: Connection, report: Refused, now: float) -> None:
        self._emit(ConnectFailed(now, connection.conn, report.failure))
        self._go_on_after(connection, report.failure, now)

    def _on_lost(self, connection: Connection, report: Lost, now: float, *, elsewhere: bool = False) -> None:
        # Bytes arrive in order: whatever was sent before the last of them has come. But a server that fell silent may
        # have been losing messages since its last one.
        silent = report.failure.cause is Cause.NO_DATA
        since = self._data.missed_since if silent else connection.last_received
        if self._gap is not None:  # none of the last one's losses was made good yet
            since = min(since, self._gap[0])
        self._gap = (since, report.failure)
        self._emit(Disconnected(now, connection.conn, report.failure, now - connection.opened_at))
        self._go_on_after(connection, report.failure, now, elsewhere=elsewhere)

    def _on_pong(self, connection: Connection, report: Pong, now: float) -> None:
        self._tally.rtt = report.rtt
        self._emit(PongReceived(now, connection.conn, report.rtt))

    _HANDLERS: ClassVar[dict[type[Report], Callable[..., None]]] = {
        Opened: _on_opened,
        Refused: _on_refused,
        Lost: _on_lost,
        Pong: _on_pong,
    }

    # Messages and events

    def _deliver(self, messages: list[str | bytes], nbytes: int, now: float) -> None:
        if self._streams is not None:
            self._read(self._streams, messages, nbytes, now)
        else:
            self._put(messages, nbytes, now)  # type: ignore[arg-type]  # a list of str is one of messages, to read

    def _read(self, streams: Streams, messages: list[str | bytes], nbytes: int, now: float) -> None:
        """The same for a service whose dialect is known."""
        rest = nbytes

        def deliver(updates: list[Update]) -> None:
            nonlocal rest
            share = sum(len(update.text) for update in updates)
            rest = max(0, rest - share)
            self._put(updates, share, now)  # type: ignore[arg-type]  # likewise

        updates = streams.read(messages, deliver, now)
        if updates:
            self._put(updates, rest, now)  # type: ignore[arg-type]  # likewise

    def _put(self, messages: list[Message], nbytes: int, now: float) -> None:
        self._data.arrived(now)
        self._tally.messages += len(messages)
        self._queue.put_messages(messages, nbytes, now)
        if self._queue.is_full:
            self._on_full(now)

    def _emit(self, event: Event) -> None:
        self._queue.put_event(event)
        self._shared.observe(event)

    def _declare_gap(self, now: float) -> Gap | None:
        if self._gap is None:
            return None
        gap = Gap(now, self._gap[0], now, self._gap[1])
        self._gap = None
        self._tally.gaps += 1
        self._emit(gap)
        return gap

    def _on_full(self, now: float) -> None:
        """The policies that drop have acted already."""
        current, policy = self._current, self._config.overflow.policy
        if current is None:
            return
        if policy == "pause" and current.pause():
            self._emit(Paused(now, self._queue.size))
        elif policy == "fail":
            failure = Failure(Cause.OVERFLOW, f"{self._queue.size} bytes queued")
            self._tally.note(failure)
            current.close(now, 1001, "consumer too slow")
            self._emit(Disconnected(now, current.conn, failure, now - current.opened_at))
            self._end(Closed(now, failure, "Overflow.policy is fail"))

    def _resume_if_drained(self, now: float) -> None:
        if self.is_drained and self._current is not None:
            self._current.resume()
            self._data.resumed(now)
            if self._streams is not None:
                self._streams.resumed(now)
            self._emit(Resumed(now, self._queue.size))

    # Judging the current connection

    def _replace(self, replace: Replace, now: float) -> None:
        current = self._current
        assert current is not None
        current.close(now, reason=replace.failure.cause.value)
        self._on_lost(current, Lost(replace.failure), now, elsewhere=replace.elsewhere)

    def _look_for_data(self, now: float) -> None:
        staleness, current = self._config.staleness, self._current
        assert staleness.after is not None
        assert current is not None
        since = self._data.silent_since
        if current.paused:
            self._timers.set(Timer.STALE, now + staleness.after)
        elif now < since + staleness.after:
            self._timers.set(Timer.STALE, since + staleness.after)
        else:
            self._timers.set(Timer.STALE, now + staleness.after)
            self._emit(Stale(now, current.conn, now - since))
            if staleness.reconnect:
                failure = Failure(Cause.NO_DATA, f"for {now - since:.3g} s")
                current.close(now, reason="no data")
                self._on_lost(current, Lost(failure), now)
