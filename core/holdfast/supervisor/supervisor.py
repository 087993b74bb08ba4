"""Floor 3: one feed that outlives its connections. What its legs bring is queued here for the consumer.

A connection that was lost or replaced lingers until its socket is closed; what it still brings is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from holdfast.config import FeedConfig
from holdfast.connection import Connection, Opened, Report, encode, size_of
from holdfast.connection import State as ConnectionState
from holdfast.dialects.dialect import check_streams
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError, FeedClosed, LocalProtocolError, NotOpen
from holdfast.events import Closed, Disconnected, Event, Gap, Item, Message, Paused, Resumed, Stall
from holdfast.failures import Cause, Failure
from holdfast.stats import FeedStats
from holdfast.supervisor.confluence import Confluence
from holdfast.supervisor.leg import Leg
from holdfast.supervisor.leg import State as LegState
from holdfast.supervisor.leg_stats import stats_of
from holdfast.supervisor.queue import ItemQueue
from holdfast.supervisor.resyncs import Resyncs
from holdfast.supervisor.sequences import PassOn, Sequences
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.tally import Tally


class State(Enum):
    """Where a feed stands: where the leg stands that got furthest, until it is closed by the user or has given up."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    CLOSING = "closing"  # until the last socket is gone
    CLOSED = "closed"


_OF_LEGS = (
    (LegState.OPEN, State.OPEN),
    (LegState.CONNECTING, State.CONNECTING),
    (LegState.WAITING, State.WAITING),
)


class Supervisor:
    """One feed. The fleet gives it inputs with a `now` that never runs backwards."""

    def __init__(self, config: FeedConfig, shared: Shared) -> None:
        self.ended: Closed | None = None  # the last item, once there is one
        self._config = config
        self._shared = shared
        self._queue = ItemQueue(config.limits.max_queue_size, config.overflow)
        self._tally = Tally()
        self._data_at: float | None = None  # when the latest message came
        self._has_paused = False  # a leg was paused, and may be so still
        self._paused_at = 0.0  # when that was
        self._resyncs: Resyncs | None = None
        self._sequences: Sequences | None = None
        self._pass_on: PassOn = self.queue
        self._legs = Confluence(self, config, shared, self._tally)
        self.connections = self._legs.connections  # all that have not ended, by number
        if config.resync is not None:
            self._resyncs = Resyncs(config.resync, config.backoff, config.retry.stable_after, shared, self)
            self._resyncs.want(config.streams)
            self._pass_on = self._resyncs.put
        if config.check_sequences:
            self._sequences = Sequences(self._legs.wanted, self._pass_on, self.lose)
            self._pass_on = self._sequences.put

    # Inputs

    def start(self, now: float) -> None:
        if self.ended is None:
            for leg in self._legs.legs:
                leg.dial(now)

    def connected(self, conn: int, now: float) -> None:
        self.connections[conn].connected(now)

    def endpoint_made(self, conn: int, endpoint: Endpoint, now: float) -> None:
        if (leg := self._legs.leg_of(conn)) is not None:
            leg.endpoint_made(self.connections[conn], endpoint, now)
            self._forget_closed()

    def on_connect_done(self, conn: int, failure: Failure | None, now: float) -> None:
        connection = self.connections[conn]
        messages: list[str | bytes] = []
        self._handle(connection, connection.on_connect_done(failure, now, messages), now)
        for message in messages:  # one by one: a policy of Overflow drops what was delivered together
            if (leg := self._legs.leg_of(conn)) is not None:
                leg.deliver([message], size_of(message), now)

    def connect_failed(self, conn: int, failure: Failure, now: float) -> None:
        connection = self.connections[conn]
        self._handle(connection, connection.connect_failed(failure), now)

    def received(self, conn: int, data: bytes, now: float) -> bool:
        """Returns whether more came of it than messages, so that deadlines may have moved nearer."""
        connection = self.connections[conn]
        leg = self._legs.leg_of(conn)
        messages: list[str | bytes] = []
        reports = connection.received(data, now, messages)
        self._tally.bytes += len(data)
        nbytes = connection.delivered
        if not reports:
            if messages and leg is not None:
                leg.deliver(messages, nbytes, now)
            return leg is None or leg.streams is not None  # whose deadlines move with what the service answers
        # Opened stands before the first message; all else stands behind those that came with it.
        rest = reports
        if leg is not None and isinstance(reports[0], Opened):
            leg.handle(connection, reports[0], now)
            rest = reports[1:]
        if messages and leg is not None and connection is leg.current:
            leg.deliver(messages, nbytes, now)
        self._handle(connection, rest, now)
        return True

    def disconnected(self, conn: int, failure: Failure | None, now: float) -> None:
        connection = self.connections[conn]
        self._handle(connection, connection.disconnected(failure), now)

    def tick(self, now: float) -> None:
        self._resume_if_drained(now)
        while self.next_deadline() <= now:
            if self._resyncs is not None and self._resyncs.next_deadline() <= now:
                self._resyncs.tick(now)
            for connection in list(self.connections.values()):
                if connection.next_deadline() <= now:
                    self._handle(connection, connection.tick(now), now)
            self._legs.tick(now)

    def stalled(self, late: float, now: float, *, report: bool) -> None:
        """Our own process was away for `late` seconds: whatever judges others waits that much longer."""
        for connection in self.connections.values():
            connection.stalled(late)
        self._legs.stalled(late)
        if self._resyncs is not None:
            self._resyncs.stalled(late)
        if report and self.ended is None and self.state is not State.IDLE:
            self._tally.stalls += 1
            self.emit(Stall(now, late))

    def subscribe(self, streams: Iterable[str], now: float) -> None:
        """Raises ConfigError for what cannot be asked for: nothing changed. LocalProtocolError: there is no dialect."""
        self._need_dialect()
        streams = tuple(streams)
        assert self._config.dialect is not None
        check_streams(self._config.dialect, {**self._legs.wanted, **dict.fromkeys(streams)})
        if self._resyncs is not None:
            self._resyncs.want(streams)
        self._legs.subscribe(streams, now)

    def unsubscribe(self, streams: Iterable[str], now: float) -> None:
        """Raises LocalProtocolError without a dialect."""
        self._need_dialect()
        streams = tuple(streams)
        self._legs.unsubscribe(streams, now)
        if self._sequences is not None:
            self._sequences.forget(streams)
        if self._resyncs is not None:
            self._resyncs.forget(streams, now)

    def resync(self, streams: Iterable[str], now: float) -> None:
        """Get new snapshots of these; of all that have one, if none is named. Raises ConfigError for others."""
        if self._resyncs is None:
            raise ConfigError("this feed has no resync: give open_feed(..., resync=Resync(...))")
        self._resyncs.ask(tuple(streams), now)

    def resynced(self, job: int, snapshot: object, now: float) -> None:
        if self._resyncs is not None:
            self._resyncs.fetched(job, snapshot, now)

    def resync_failed(self, job: int, failure: Failure, now: float) -> None:
        if self._resyncs is not None:
            self._resyncs.failed(job, failure, now)
            self._forget_closed()

    def rotate(self, now: float) -> None:
        """Replace every connection that is open, without a gap."""
        self._legs.rotate(now, "rotate() was called")

    def send(self, message: str | bytes, now: float) -> None:
        """On one connection. Raises FeedClosed, NotOpen, or LocalProtocolError for no message: nothing was sent."""
        if self.ended is None:
            for leg in self._legs.legs:
                if leg.is_open and leg.current is not None:
                    leg.current.send(message, now)
                    return
        encode(message)
        if self.ended is not None:
            raise FeedClosed("the feed is closed: open a new one to send")
        raise NotOpen(f"the feed is {self.state.value}, not open: wait for Connected, then send")

    def send_on(self, conn: int, message: str | bytes, now: float) -> None:
        """For `on_connect`. Raises NotOpen when the connection is gone, LocalProtocolError for what is no message."""
        encode(message)
        if conn not in self.connections:
            raise NotOpen(f"connection {conn} is gone")
        self.connections[conn].send(message, now)

    def close(self, now: float, code: int, reason: str) -> None:
        """End it within `Timeouts.close`, from every state. What is queued can still be taken."""
        if self.ended is None:
            self._end(Closed(now), code, reason)
            self._forget_closed()

    def take_items(self, limit: int | None) -> list[Item]:
        return self._queue.take(limit)

    def take_run(self, limit: int) -> list[Message] | Event | None:
        return self._queue.take_run(limit)

    # Getters

    @property
    def state(self) -> State:
        if self.ended is not None:
            return State.CLOSING if self.connections else State.CLOSED
        states = {leg.state for leg in self._legs.legs}
        return next((state for leg_state, state in _OF_LEGS if leg_state in states), State.IDLE)

    @property
    def is_open(self) -> bool:
        """Whether the state is OPEN."""
        return self.ended is None and any(leg.is_open for leg in self._legs.legs)

    @property
    def has_items(self) -> bool:
        return self._queue.count > 0

    @property
    def is_drained(self) -> bool:
        """Reading was paused, and can go on: give it a tick."""
        return self._has_paused and self._queue.is_half_empty and any(leg.is_paused for leg in self._legs.legs)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest gaps, oldest first."""
        return tuple(self._legs.ledger.recent)

    def stream_states(self) -> dict[str, str]:
        """For each wanted stream: wanted, asked, subscribed or refused. Of several legs the one furthest on counts."""
        return self._legs.stream_states()

    def next_deadline(self) -> float:
        deadline = self._legs.next_deadline()
        if self._resyncs is not None:
            deadline = min(deadline, self._resyncs.next_deadline())
        for connection in self.connections.values():
            deadline = min(deadline, connection.next_deadline())
        return deadline

    def stats(self, now: float) -> FeedStats:
        legs = self._legs.legs
        current = [leg.current for leg in legs if leg.is_open and leg.current is not None]
        tally = self._tally
        return FeedStats(
            state=self.state.value,
            messages=tally.messages,
            received_bytes=tally.bytes,
            queued_messages=self._queue.count,
            queued_bytes=self._queue.size,
            dropped=self._queue.dropped + (self._resyncs.dropped if self._resyncs is not None else 0),
            dials=tally.dials,
            connections=tally.connections,
            attempt=min(0 if leg.is_healthy else leg.redial.attempt for leg in legs),
            gaps=tally.gaps,
            stalls=tally.stalls,
            rotations=tally.rotations,
            losses=dict(tally.losses),
            connected_for=max((now - one.opened_at for one in current), default=None),
            data_age=now - self._data_at if self._data_at is not None else None,
            byte_age=min((now - one.last_received for one in current), default=None),
            rtt=tally.rtt,
            last_failure=str(tally.last_failure) if tally.last_failure else None,
            legs=tuple(stats_of(leg, now) for leg in legs),
        )

    # What the legs bring

    def emit(self, event: Event) -> None:
        self._queue.put_event(event)
        self._shared.observe(event)
        if type(event) is Gap:
            if self._sequences is not None and event.cause.cause is not Cause.OVERFLOW:  # which is behind it
                self._sequences.declared(event)
            if self._resyncs is not None:
                self._resyncs.declared(event, event.at)

    def lose(self, gap: Gap) -> None:
        self._legs.ledger.declare(gap)

    def put(self, messages: list[Message], nbytes: int, now: float) -> None:
        self._data_at = now
        self._tally.messages += len(messages)
        self._pass_on(messages, nbytes, now)

    def queue(self, messages: list[Message], nbytes: int, now: float) -> int:
        """Behind the numbers, and what is held for snapshots. How many were dropped for it."""
        dropped = self._queue.dropped
        self._queue.put_messages(messages, nbytes, now)
        if self._queue.is_full:
            self._on_full(now)
        return self._queue.dropped - dropped

    def opened(self, leg: Leg, now: float) -> None:  # noqa: ARG002  # each is treated alike
        if self._queue.is_full:
            self._on_full(now)

    def gave_up(self, failure: Failure, reason: str, now: float) -> None:
        self._end(Closed(now, failure, reason), 1000, "")

    # Inside

    def _need_dialect(self) -> None:
        if self._config.dialect is None:
            raise LocalProtocolError("this feed has no dialect: send requests yourself, or in on_open")
        if self.ended is not None:
            raise FeedClosed("the feed is closed: open a new one to subscribe")

    def _handle(self, connection: Connection, reports: Sequence[Report], now: float) -> None:
        for report in reports:
            if (leg := self._legs.leg_of(connection.conn)) is not None:
                leg.handle(connection, report, now)
        if connection.state is ConnectionState.CLOSED:
            self._forget_closed()

    def _forget_closed(self) -> None:
        closed = [conn for conn, one in self.connections.items() if one.state is ConnectionState.CLOSED]
        self._legs.forget_closed(closed)

    def _end(self, closed: Closed, code: int, reason: str) -> None:
        """Nothing new begins from here. The last item stands in the queue at once; sockets may take longer."""
        self._legs.end(closed.at, code, reason)
        if self._resyncs is not None:
            self._resyncs.end(closed.at)
        self._legs.ledger.settle(closed.at)
        self.ended = closed
        self.emit(closed)

    # The bound of the queue

    def _on_full(self, now: float) -> None:
        """The policies that drop have acted already."""
        policy = self._config.overflow.policy
        if policy == "pause":
            paused = [leg for leg in self._legs.legs if leg.pause()]
            if paused:
                self._has_paused, self._paused_at = True, now
                self.emit(Paused(now, self._queue.size))
        elif policy == "fail" and self.ended is None:
            failure = Failure(Cause.OVERFLOW, f"{self._queue.size} bytes queued")
            self._tally.note(failure)
            for leg in self._legs.legs:
                if leg.is_open and leg.current is not None:
                    current = leg.current
                    current.close(now, 1001, "consumer too slow")
                    self.emit(Disconnected(now, current.conn, failure, now - current.opened_at))
            self._end(Closed(now, failure, "Overflow.policy is fail"), 1001, "consumer too slow")

    def _resume_if_drained(self, now: float) -> None:
        if self.is_drained:
            self._legs.resumed(now - self._paused_at, now)
            self._has_paused = False
            self.emit(Resumed(now, self._queue.size))
