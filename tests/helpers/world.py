"""A fleet, its driver and its peers in simulated time, for a client that dials again and again.

The driver here keeps the five steps of the contract. Bytes wait in sockets while it is stalled or reading is paused.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TypeVar

from helpers.audit import Audit
from helpers.peer import Manners, Peer
from holdfast import (
    Backoff,
    Closed,
    Connecting,
    Disconnected,
    Endpoint,
    Event,
    Failure,
    FeedConfig,
    FeedOptions,
    Fleet,
    Item,
    Keepalive,
    Staleness,
)
from holdfast.commands import (
    Command,
    Connect,
    Disconnect,
    EndJob,
    MakeEndpoint,
    Pause,
    Resume,
    RunOnConnect,
    RunResync,
    Write,
)
from holdfast.source import Source
from holdfast.testing.world.jobs import Jobs

TICK = 0.25  # seconds; configurations and delays are drawn from multiples, so that deadlines fall together
URL = "ws://example.com/feed"
Arrival = Callable[[], None]
E = TypeVar("E", bound=Event)


def config_of(options: FeedOptions | None = None, source: Source | Sequence[Source] = URL) -> FeedConfig:
    """Without jitter, keepalive or staleness unless asked for: one thing is tested at a time."""
    defaults: FeedOptions = {
        "backoff": Backoff(initial=1.0, factor=2.0, maximum=8.0, jitter=0.0),
        "keepalive": Keepalive(interval=None),
        "staleness": Staleness(after=None),
    }
    return FeedConfig.build(source, {**defaults, **(options or {})})


class _Socket:
    """Between a peer and the driver. What arrived is kept until the driver reads it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.arrived: deque[Arrival] = deque()
        self.paused = False
        self.gone = False


class World:
    """`manners`: for each dial in turn, the last for all that follow."""

    def __init__(
        self,
        options: FeedOptions | None = None,
        manners: Manners | Iterable[Manners] = Manners(),  # noqa: B008  # frozen
        *,
        source: Source | Sequence[Source] = URL,
        seed: int = 0,
        now: float = 1000.0,
        wall_offset: float = 0.0,
        latency: float = 0.0,
    ) -> None:
        self.config = config_of(options, source)
        self.observed: list[Event] = []  # as they happened
        self.fleet = Fleet(
            self.config, random=Random(seed), entropy=Random(seed).randbytes, observe=self.observed.append
        )
        self.now = now
        self.latency = latency  # one way
        self.peers: list[Peer] = []
        self.dials: list[tuple[float, Endpoint]] = []
        self.items: list[Item] = []
        self.item_times: list[float] = []
        self.commands: list[tuple[float, Command]] = []
        self.consuming = True
        self.take_limit: int | None = None
        self._wall_offset = wall_offset
        self._manners = deque([manners] if isinstance(manners, Manners) else manners)
        self._sockets: dict[int, _Socket] = {}
        self._events: list[tuple[float, int, Arrival]] = []
        self._order = count()
        self._stalled_until = -math.inf
        self._audit = Audit()
        self._jobs = Jobs(
            self.fleet,
            lambda: self.now,
            self._settle,
            lambda at, call: self.later(at - self.now, call),
            lambda: self.now >= self._stalled_until,
        )

    # What tests do

    def start(self) -> World:
        self.fleet.start(self.now, self._wall_offset)
        self._settle()
        return self

    def run(self, seconds: float) -> World:
        """Let the time pass, to the last event at its end."""
        self._run_to(self.now + seconds, lambda: False)
        return self

    def run_until(self, reached: Callable[[], object], within: float) -> None:
        """Fails if it is not reached in that many seconds."""
        self._run_to(self.now + within, reached)
        assert reached(), f"not reached within {within} s; the last items: {self.items[-8:]}"

    def open(self) -> World:
        """Start, and be open."""
        self.start()
        self.run_until(lambda: self.fleet.is_open, within=60)
        return self

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.fleet.close(self.now, code, reason)
        self._audit.closing = True
        self._settle()

    def send(self, message: str | bytes) -> None:
        self.fleet.send(message, self.now)
        self._settle()

    def tick(self) -> None:
        """One that nobody asked for."""
        if self.now >= self._stalled_until:
            self._drain()
            self._tick()

    def give(self, action: Callable[[Fleet, float], object]) -> None:
        """One input of the test's own making."""
        try:
            action(self.fleet, self.now)
        finally:
            self._settle()

    def end_stream(self, conn: int, failure: Failure | None = None) -> None:
        """The driver learns now that it is gone, whatever was still to come."""
        self._lose(conn, lambda: self.fleet.disconnected(conn, failure, self.now))
        self._settle()

    def finish_dial(self, conn: int) -> None:
        """The driver learns now that the dial succeeded."""
        self._connected(conn)
        self._settle()

    def fail_dial(self, conn: int, failure: Failure) -> None:
        self._lose(conn, lambda: self.fleet.connect_failed(conn, failure, self.now))
        self._forget_job(conn)
        self._settle()

    def postpone_dial(self, conn: int, seconds: float) -> None:
        """The driver finds now that it must not go out yet."""
        self._lose(conn, lambda: self.fleet.postponed(conn, self.now + seconds, self.now))
        self._settle()

    def answer_job(self, conn: int, action: Callable[[Fleet, float], object]) -> None:
        """The same in place of a function of the user's, which runs no more if the machine takes it for its answer."""
        action(self.fleet, self.now)
        self._forget_job(conn)
        self._settle()

    def stall(self, seconds: float) -> None:
        """Our process does not run; the network and the peers do."""
        self._stalled_until = max(self._stalled_until, self.now + seconds)
        self.later(self._stalled_until - self.now, self._jobs.go_on)

    def oversleep(self, seconds: float) -> None:
        """A stall, to its end."""
        self.stall(seconds)
        self.run(seconds)

    def consume(self, consuming: bool = True) -> None:
        self.consuming = consuming
        self._settle()

    def heal(self) -> None:
        """From now on every dial finds a good peer; those that are there say nothing more."""
        self._manners = deque([Manners()])
        for peer in self.peers:
            peer.die()

    def later(self, delay: float, action: Arrival) -> None:
        heappush(self._events, (self.now + delay, next(self._order), action))

    @property
    def jobs(self) -> set[int]:
        """The connections for which a function of the user's runs."""
        return self._jobs.running

    @property
    def peer(self) -> Peer:
        """The latest."""
        return self.peers[-1]

    def events(self, kind: type[E]) -> list[E]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def messages(self) -> list[str | bytes]:
        return [item for item in self.items if not isinstance(item, Event)]

    @property
    def kinds(self) -> list[str]:
        """The items in short: names of events, messages as they are."""
        return [type(item).__name__ if isinstance(item, Event) else repr(item) for item in self.items]

    @property
    def ended(self) -> Closed:
        (closed,) = self.events(Closed)
        return closed

    @property
    def losses(self) -> list[Failure]:
        return [event.failure for event in self.events(Disconnected)]

    @property
    def attempts(self) -> list[int]:
        return [event.attempt for event in self.events(Connecting)]

    # What peers do

    def arrive(self, conn: int, data: bytes) -> None:
        """Bytes from a peer, `latency` from now."""
        if data:
            self._arrive(conn, lambda: self.fleet.received(conn, data, self.now))

    def arrive_end(self, conn: int, failure: Failure | None) -> None:
        self._arrive(conn, lambda: self._lose(conn, lambda: self.fleet.disconnected(conn, failure, self.now)))

    # The driver

    def _arrive(self, conn: int, arrival: Arrival, latency: float | None = None) -> None:
        socket = self._sockets[conn]

        def land() -> None:
            socket.peer.last_byte_at = self.now
            socket.arrived.append(arrival)

        self.later(self.latency if latency is None else latency, land)

    def _run_to(self, end: float, reached: Callable[[], object]) -> None:
        while not reached():
            happening = self._events[0][0] if self._events else math.inf
            waking = max(self.fleet.next_deadline(), self._stalled_until, self.now)
            if self._stalled_until > self.now:
                waking = self._stalled_until
            self.now = max(self.now, min(happening, waking, end))
            if happening <= self.now:
                heappop(self._events)[2]()
                if not (self._events and self._events[0][0] <= self.now):
                    self._read()
            elif waking <= self.now and self.now >= self._stalled_until:
                self._stalled_until = -math.inf
                self._drain()
                if self.fleet.next_deadline() <= self.now:
                    self._tick()
            else:
                return

    def _read(self) -> None:
        if self.now >= self._stalled_until:
            self._drain()

    def _drain(self) -> None:
        """Step 5: whatever is readable is read before a tick."""
        for socket in list(self._sockets.values()):
            while socket.arrived and not socket.paused and not socket.gone:
                socket.arrived.popleft()()
                self._settle()

    def _tick(self) -> None:
        self.fleet.tick(self.now)
        self._audit.after_tick(self.fleet, self.now)
        self._settle()

    def _settle(self) -> None:
        """Steps 2 and 3."""
        for command in self.fleet.take_commands():
            self._audit.command(command)
            self.commands.append((self.now, command))
            self._carry_out(command)
        self._audit.after_input(self.fleet)
        self._jobs.go_on()
        assert not (self.fleet.is_closed and self.jobs), "a function of the user's runs behind the end"
        if self.consuming:
            for item in self.fleet.take_items(self.take_limit):
                self._audit.item(item)
                self.items.append(item)
                self.item_times.append(self.now)

    def _carry_out(self, command: Command) -> None:
        conn = command.conn
        if isinstance(command, Connect):
            self._dial(conn, command.endpoint)
            return
        if isinstance(command, MakeEndpoint | RunOnConnect | RunResync):
            self._jobs.start(command)
            return
        if isinstance(command, EndJob):
            assert conn in self.jobs, "there is nothing to end"
            self._jobs.end(conn)
            return
        socket = self._sockets[conn]
        if isinstance(command, Write):
            data = command.data
            self.later(self.latency, lambda: socket.peer.receive(data))
        elif isinstance(command, Pause | Resume):
            socket.paused = isinstance(command, Pause)
            if not socket.paused:
                self.later(0.0, lambda: None)  # what waits there is read next
        elif isinstance(command, Disconnect):
            socket.gone = True

    def _dial(self, conn: int, endpoint: Endpoint) -> None:
        manners = self._manners.popleft() if len(self._manners) > 1 else self._manners[0]
        peer = Peer(self, conn, manners)
        self.peers.append(peer)
        self.dials.append((self.now, endpoint))
        self._sockets[conn] = _Socket(peer)
        failure = manners.dial_failure
        if manners.never_dials:
            return
        if failure is None:
            self._arrive(conn, lambda: self._connected(conn), manners.dial_delay)
        else:
            report = failure
            self._arrive(
                conn,
                lambda: self._lose(conn, lambda: self.fleet.connect_failed(conn, report, self.now)),
                manners.dial_delay,
            )

    def _forget_job(self, conn: int) -> None:
        shard = self.fleet._by_conn.get(conn)
        connection = shard.connections[conn] if shard is not None else None
        if connection is None or not connection._has_job:
            self._jobs.end(conn)

    def _connected(self, conn: int) -> None:
        self.fleet.connected(conn, self.now)
        self._audit.input_connected(conn)

    def _lose(self, conn: int, report: Arrival) -> None:
        report()
        self._audit.input_ended(conn)
        if conn in self._sockets:
            self._sockets[conn].gone = True
