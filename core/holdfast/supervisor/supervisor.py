"""Floor 3: one shard of a feed, which outlives its connections. What its legs bring is queued here for the consumer.

A connection that was lost or replaced lingers until its socket is closed; what it still brings is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Protocol

from holdfast.config import FeedConfig
from holdfast.connection import Connection, Opened, Report, encode, size_of
from holdfast.connection import State as ConnectionState
from holdfast.endpoint import Endpoint
from holdfast.errors import NotOpen
from holdfast.events import (
    Connected,
    Disconnected,
    Event,
    Gap,
    Message,
    Rebalanced,
    RetryScheduled,
    Rotated,
    ShardEvent,
    Unsubscribed,
)
from holdfast.failures import Cause, Failure
from holdfast.source import shown
from holdfast.stats import ShardStats, StreamStats
from holdfast.supervisor.confluence import Confluence
from holdfast.supervisor.leg import Leg
from holdfast.supervisor.leg import State as LegState
from holdfast.supervisor.sequences import PassOn, Sequences
from holdfast.supervisor.shard_stats import note_lags, note_streams, shard_stats, stream_stats
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.tally import Tally


class State(Enum):
    """Where a shard stands: where the leg stands that got furthest, until it is closed or has given up."""

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
_LOOK_EVERY = 0.25  # seconds between two looks at how late messages are


_NOTED = frozenset({Disconnected, RetryScheduled})


class Owner(Protocol):
    """The fleet, as a supervisor sees it."""

    @property
    def pass_on(self) -> PassOn:
        """Where messages go."""
        ...

    def declared(self, gap: Gap, streams: Iterable[str]) -> None:
        """A gap was declared; where it names no stream, it is in all of these."""

    def noted(self, shard: Supervisor, event: Event) -> None:
        """A connection of the shard's was lost, or waits for its next dial."""

    def queue_is_full(self, now: float) -> None:
        """The shared queue is at its bound. The policies that drop have acted already."""

    def shard_gave_up(self, shard: Supervisor, failure: Failure, reason: str, now: float) -> None:
        """No retry can help it. It has ended."""


class Supervisor:
    """One shard: a feed has one, or several. The fleet gives it inputs with a `now` that never runs backwards.

    `number` is put into its events; None while there is no other shard.
    """

    __slots__ = (
        "_config",
        "_legs",
        "_look_at",
        "_owner",
        "_pass_on",
        "_resyncs",
        "_sequences",
        "_shared",
        "_tally",
        "connections",
        "data_at",
        "has_ended",
        "number",
    )

    def __init__(self, config: FeedConfig, shared: Shared, owner: Owner, number: int | None = None) -> None:
        self.number = number
        self.has_ended = False
        self._config = config
        self._shared = shared
        self._owner = owner
        self._tally = Tally()
        self.data_at: float | None = None  # when the latest message came
        self._look_at = 0.0  # when the next look at messages is due, and not at every one
        self._resyncs = config.resync is not None
        self._sequences: Sequences | None = None
        self._pass_on = owner.pass_on
        self._legs = Confluence(self, config, shared, self._tally)
        self.connections = self._legs.connections  # all that have not ended, by number
        if config.check_sequences:
            self._sequences = Sequences(self._legs.wanted, self._pass_on, self.lose)
            self._pass_on = self._sequences.put

    # Inputs

    def start(self, now: float) -> None:
        self._tally.uptime.started(now)
        for leg in self._legs.legs:
            leg.dial(now)

    def connected(self, conn: int, now: float) -> None:
        self.connections[conn].connected(now)

    def endpoint_made(self, conn: int, endpoint: Endpoint, now: float) -> None:
        connection = self.connections[conn]
        if (leg := self._legs.leg_of(connection)) is not None:
            leg.endpoint_made(connection, endpoint, now)
            self._forget_closed()

    def postponed(self, conn: int, until: float, now: float) -> None:
        connection = self.connections[conn]
        connection.postponed()
        if (leg := self._legs.leg_of(connection)) is not None:
            leg.postponed(connection, until, now)
        self._forget_closed()

    def on_connect_done(self, conn: int, failure: Failure | None, now: float) -> None:
        connection = self.connections[conn]
        messages: list[str | bytes] = []
        self._handle(connection, connection.on_connect_done(failure, now, messages), now)
        for message in messages:  # one by one: a policy of Overflow drops what was delivered together
            if (leg := self._legs.leg_of(connection)) is not None:
                leg.deliver([message], size_of(message), now)

    def connect_failed(self, conn: int, failure: Failure, now: float) -> None:
        connection = self.connections[conn]
        self._handle(connection, connection.connect_failed(failure), now)

    def received(self, conn: int, data: bytes, now: float) -> bool:
        """Returns whether more came of it than messages, so that deadlines may have moved nearer."""
        connection = self.connections[conn]
        leg = self._legs.carriers.get(conn)
        if leg is not None and leg.current is not connection:
            leg = None
        messages: list[str | bytes] = []
        reports = connection.received(data, now, messages)
        self._tally.bytes += len(data)
        nbytes = connection.delivered
        if not reports:
            if messages and leg is not None:
                leg.deliver(messages, nbytes, now)
            return leg is None or (leg.streams is not None and (leg.streams.was_stirred() or self._resyncs))
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
        while self.next_deadline() <= now:
            for connection in list(self.connections.values()):
                if connection.next_deadline() <= now:
                    self._handle(connection, connection.tick(now), now)
            self._legs.tick(now)

    def stalled(self, late: float) -> None:
        """Our own process was away for `late` seconds: whatever judges others waits that much longer."""
        for connection in self.connections.values():
            connection.stalled(late)
        self._legs.stalled(late)

    def subscribe(self, streams: Sequence[str], now: float) -> None:
        """Want these, too. There is a dialect, and they were checked."""
        self._legs.subscribe(streams, now)

    def unsubscribe(self, streams: Sequence[str], now: float) -> None:
        """Want these no more."""
        self._legs.unsubscribe(streams, now)
        for stream in streams:
            self._tally.streams.pop(stream, None)
        if self._sequences is not None:
            self._sequences.forget(streams)

    def rotate(self, now: float) -> None:
        """Replace every connection that is open, without a gap."""
        self._legs.rotate(now, "rotate() was called")

    def move(self, reconnects: int, others: float, now: float) -> bool:
        """Dial another endpoint than the one where it was lost so often, from now on; whether there is one."""
        moved = [leg for leg in self._legs.legs if leg.state is LegState.WAITING and leg.redial.move(now)]
        for leg in moved:
            self._tally.rebalances += 1
            self.emit(Rebalanced(now, reconnects, others, shown(leg.redial.target)))
        return bool(moved)

    def send(self, message: str | bytes, now: float) -> None:
        """On one connection. Raises NotOpen, or LocalProtocolError for no message: nothing was sent."""
        for leg in self._legs.legs:
            if leg.is_open and leg.current is not None:
                leg.current.send(message, now)
                return
        encode(message)
        raise NotOpen(f"the feed is {self.state.value}, not open: wait for Connected, then send")

    def close(self, now: float, code: int, reason: str) -> None:
        """End it within `Timeouts.close`, from every state."""
        if not self.has_ended:
            self._end(now, code, reason)
            self._forget_closed()

    def retire(self, now: float) -> None:
        """End it, because nobody wants any of its streams."""
        for leg in self._legs.legs:
            if leg.is_open and leg.current is not None and leg.streams is not None:
                held = tuple(stream for stream in leg.streams.held if stream in self._legs.wanted)
                if held:
                    self.emit(Unsubscribed(now, leg.current.conn, held))
        self._legs.ledger.forget_all()
        self.close(now, 1000, "")

    def fail(self, failure: Failure, now: float) -> None:
        """End it: the queue is full, and that is the end by `Overflow`."""
        self._tally.note(failure)
        for leg in self._legs.legs:
            if leg.is_open and leg.current is not None:
                current = leg.current
                current.close(now, 1001, "consumer too slow")
                self.emit(Disconnected(now, current.conn, failure, now - current.opened_at))
        self._end(now, 1001, "consumer too slow")
        self._forget_closed()

    def pause(self) -> bool:
        """Stop reading; whether anything was read until now."""
        return sum(leg.pause() for leg in self._legs.legs) > 0

    def resume(self, paused: float, now: float) -> None:
        """Read again, as was not done for `paused` seconds."""
        self._legs.resumed(paused, now)

    # Getters

    @property
    def state(self) -> State:
        if self.has_ended:
            return State.CLOSING if self.connections else State.CLOSED
        states = {leg.state for leg in self._legs.legs}
        return next((state for leg_state, state in _OF_LEGS if leg_state in states), State.IDLE)

    @property
    def is_open(self) -> bool:
        """Whether the state is OPEN."""
        return not self.has_ended and any(leg.is_open for leg in self._legs.legs)

    @property
    def is_healthy(self) -> bool:
        """Whether a connection is open that has proven itself."""
        return not self.has_ended and any(leg.is_healthy for leg in self._legs.legs)

    @property
    def is_paused(self) -> bool:
        return any(leg.is_paused for leg in self._legs.legs)

    @property
    def is_rotating(self) -> bool:
        return self._legs.is_rotating

    @property
    def gaps(self) -> list[Gap]:
        """The latest gaps, oldest first."""
        return [gap if self.number is None else replace(gap, shard=self.number) for gap in self._legs.ledger.recent]

    def stream_states(self) -> dict[str, str]:
        """For each wanted stream: wanted, asked, subscribed or refused. Of several legs the one furthest on counts."""
        return self._legs.stream_states()

    def next_deadline(self) -> float:
        deadline = self._legs.next_deadline()
        for connection in self.connections.values():
            deadline = min(deadline, connection.next_deadline())
        return deadline

    @property
    def tally(self) -> Tally:
        return self._tally

    def stats(self, now: float) -> ShardStats:
        return shard_stats(self, self._legs, self._tally, self._config, now)

    def stream_stats(self, number: int, now: float) -> dict[str, StreamStats]:
        """Of each that is wanted. `number`: what the fleet calls us."""
        return stream_stats(self._legs, self._tally, number, now)

    # What the legs tell

    def emit(self, event: Event) -> None:
        if self.number is not None and isinstance(event, ShardEvent):
            event = replace(event, shard=self.number)
        uptime = self._tally.uptime
        if isinstance(event, Connected):
            uptime.opened(event.conn, event.at)
        elif isinstance(event, Disconnected):
            uptime.gone(event.conn, event.at)
        elif isinstance(event, Rotated):
            uptime.gone(event.previous, event.at)
        self._shared.emit(event, self.number)
        if type(event) is Gap:
            if self._sequences is not None and event.cause.cause is not Cause.OVERFLOW:  # which is behind it
                self._sequences.declared(event)
            self._owner.declared(event, self._legs.wanted)
        elif type(event) in _NOTED:
            self._owner.noted(self, event)

    def lose(self, gap: Gap) -> None:
        """Declare it."""
        self._legs.ledger.declare(gap)

    def put(self, messages: list[Message], nbytes: int, now: float) -> None:
        self.data_at = now
        if now >= self._look_at:
            self._look(messages, now)
        self._tally.messages += len(messages)
        self._pass_on(messages, nbytes, now)

    def opened(self, leg: Leg, now: float) -> None:  # noqa: ARG002  # each is treated alike
        if self._shared.queue.is_full:
            self._owner.queue_is_full(now)

    def dialled(self, conn: int) -> None:
        self._shared.shards[conn] = self

    def gone(self, conn: int) -> None:
        del self._shared.shards[conn]

    def gave_up(self, failure: Failure, reason: str, now: float) -> None:
        self._end(now, 1000, "")
        self._owner.shard_gave_up(self, failure, reason, now)

    # Inside

    def _look(self, messages: list[Message], now: float) -> None:
        """At what the messages of one chunk tell of many."""
        tally = self._tally
        if now >= tally.pace.next_at:
            tally.pace.note(tally.messages, tally.bytes, now)
            note_streams(self._legs, tally, now)
        self._look_at = tally.pace.next_at
        if self._config.dialect is not None:
            note_lags(messages, tally, now + self._shared.wall_offset)
            self._look_at = min(self._look_at, now + _LOOK_EVERY)

    def _handle(self, connection: Connection, reports: Sequence[Report], now: float) -> None:
        for report in reports:
            if (leg := self._legs.leg_of(connection)) is not None:
                leg.handle(connection, report, now)
        if connection.state is ConnectionState.CLOSED:
            self._forget_closed()

    def _forget_closed(self) -> None:
        closed = [conn for conn, one in self.connections.items() if one.state is ConnectionState.CLOSED]
        self._legs.forget_closed(closed)

    def _end(self, now: float, code: int, reason: str) -> None:
        """Nothing new begins from here. Sockets may take longer."""
        self._legs.end(now, code, reason)
        self._legs.ledger.settle(now)
        self._tally.uptime.ended(now)
        self.has_ended = True
