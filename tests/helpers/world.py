"""A fleet and its peers in simulated time, for a client that dials again and again.

The driver is the one that embedders get, `holdfast.testing.world.Process`; the peers and their manners are the test's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
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
from holdfast.commands import Command, Disconnect, EndJob, Pause, Resume, Write
from holdfast.source import Source
from holdfast.testing.world import Chance, Link, Machine, Observer, Pipe, Process, Socket, Weather
from holdfast.testing.world.schedule import Schedule

TICK = 0.25  # seconds; configurations and delays are drawn from multiples, so that deadlines fall together
URL = "ws://example.com/feed"
E = TypeVar("E", bound=Event)


def config_of(options: FeedOptions | None = None, source: Source | Sequence[Source] = URL) -> FeedConfig:
    """Without jitter, keepalive or staleness unless asked for: one thing is tested at a time."""
    defaults: FeedOptions = {
        "backoff": Backoff(initial=1.0, factor=2.0, maximum=8.0, jitter=0.0),
        "keepalive": Keepalive(interval=None),
        "staleness": Staleness(after=None),
    }
    return FeedConfig.build(source, {**defaults, **(options or {})})


class _Fleet(Fleet):
    def tick(self, now: float) -> None:
        super().tick(now)
        assert self.next_deadline() > now, "asks to be woken in the past"


class _Driver(Process):
    """Its timer comes behind what else happens in that moment, so that what is just in time is in time."""

    def _deadline_came(self) -> None:
        heap = self._schedule._heap
        if heap and heap[0][0] <= self._schedule.now:
            self._armed = self._schedule.call_in(0.0, self._deadline_came)
        else:
            super()._deadline_came()


class _Watch(Observer):
    """Shows the audit what the process sees, and keeps it for the test."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_command(self, command: Command, now: float) -> None:
        world, conn = self._world, command.conn
        socket = world.process.sockets.get(conn)
        if socket is None and isinstance(command, Write | Pause | Resume | Disconnect):
            world._audit.input_ended(conn)
        elif socket is not None and socket.link is not None:
            world._audit.input_connected(conn)
        assert not isinstance(command, EndJob) or conn in world.jobs, "there is nothing to end"
        world._audit.command(command)
        world.commands.append((now, command))

    def on_item(self, item: Item, now: float) -> None:
        world = self._world
        world._audit.item(item)
        world.items.append(item)
        world.item_times.append(now)

    def on_settled(self, machine: Machine, now: float) -> None:
        world = self._world
        world._audit.after_input(world.fleet)
        assert not (world.fleet.is_closed and world.jobs), "a function of the user's runs behind the end"


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
        self.fleet: Fleet = _Fleet(
            self.config, random=Random(seed), entropy=Random(seed).randbytes, observe=self.observed.append
        )
        self.schedule = Schedule(now)
        self.process = _Driver(self.fleet, self.schedule, self._dial)
        self.latency = latency  # one way
        self.peers: list[Peer] = []
        self.dials: list[tuple[float, Endpoint]] = []
        self.items: list[Item] = []
        self.item_times: list[float] = []
        self.commands: list[tuple[float, Command]] = []
        self.take_limit: int | None = None
        self._wall_offset = wall_offset
        self._manners = deque([manners] if isinstance(manners, Manners) else manners)
        self._audit = Audit()
        self.process.observe(_Watch(self))

    # What tests do

    @property
    def now(self) -> float:
        return self.schedule.now

    def start(self) -> World:
        self.process.start(self._wall_offset)
        return self

    def run(self, seconds: float) -> World:
        """Let the time pass, to the last event at its end."""
        self._run(seconds)
        return self

    def run_until(self, reached: Callable[[], object], within: float) -> None:
        """Fails if it is not reached in that many seconds."""
        if not reached():
            self._run(within, lambda: bool(reached()))
        assert reached(), f"not reached within {within} s; the last items: {self.items[-8:]}"

    def open(self) -> World:
        """Start, and be open."""
        self.start()
        self.run_until(lambda: self.fleet.is_open, within=60)
        return self

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.fleet.close(self.now, code, reason)
        self._audit.closing = True
        self.process.settle()

    def send(self, message: str | bytes) -> None:
        self.fleet.send(message, self.now)
        self.process.settle()

    def tick(self) -> None:
        """One that nobody asked for."""
        self.process.tick()

    def give(self, action: Callable[[Fleet, float], object]) -> None:
        """One input of the test's own making."""
        try:
            action(self.fleet, self.now)
        finally:
            self.process.settle()

    def end_stream(self, conn: int, failure: Failure | None = None) -> None:
        """The driver learns now that it is gone, whatever was still to come."""
        self.fleet.disconnected(conn, failure, self.now)
        self._lose(conn)

    def finish_dial(self, conn: int) -> None:
        """The driver learns now that the dial succeeded."""
        socket = self.process.sockets.get(conn)
        if socket is not None and socket.link is None:
            self.process.dial_done(socket, self._link_to(conn), None)
        else:
            self.give(lambda fleet, now: fleet.connected(conn, now))

    def fail_dial(self, conn: int, failure: Failure) -> None:
        self.fleet.connect_failed(conn, failure, self.now)
        self._forget_job(conn)
        self._lose(conn)

    def postpone_dial(self, conn: int, seconds: float) -> None:
        """The driver finds now that it must not go out yet."""
        self.fleet.postponed(conn, self.now + seconds, self.now)
        self._lose(conn)

    def answer_job(self, conn: int, action: Callable[[Fleet, float], object]) -> None:
        """The same in place of a function of the user's, which runs no more if the machine takes it for its answer."""
        action(self.fleet, self.now)
        self._forget_job(conn)
        self.process.settle()

    def stall(self, seconds: float) -> None:
        """Our process does not run; the network and the peers do."""
        self.process.stall(seconds)

    def oversleep(self, seconds: float) -> None:
        """A stall, to its end."""
        self.stall(seconds)
        self.run(seconds)

    def consume(self, consuming: bool = True) -> None:
        self.process.consumer_limit = self.take_limit if consuming else 0
        self.process.settle()

    def heal(self) -> None:
        """From now on every dial finds a good peer; those that are there say nothing more."""
        self._manners = deque([Manners()])
        for peer in self.peers:
            peer.die()

    def later(self, delay: float, action: Callable[[], None]) -> None:
        self.schedule.call_in(delay, action)

    @property
    def jobs(self) -> set[int]:
        """The connections for which a function of the user's runs."""
        return self.process.jobs_running

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
        """Bytes from a peer, `latency` from now; no two chunks become one on the way."""
        if data:
            self._arrive(conn, lambda socket: self.process.arrived(socket, data))

    def arrive_end(self, conn: int, failure: Failure | None) -> None:
        self._arrive(conn, lambda socket: self._end(socket, failure))

    # The network

    def _run(self, seconds: float, stop: Callable[[], bool] | None = None) -> None:
        if self.process.awake_at < self.now:
            self.process.settle()  # a test may have given the fleet an input by itself
        self.schedule.run(self.now + seconds, stop)

    def _arrive(self, conn: int, arrival: Callable[[Socket], None], latency: float | None = None) -> None:
        peer, socket = self._peer_of(conn), self.process.sockets.get(conn)

        def land() -> None:
            peer.last_byte_at = self.now
            if socket is not None and self.process.sockets.get(conn) is socket:
                arrival(socket)

        self.later(self.latency if latency is None else latency, land)

    def _peer_of(self, conn: int) -> Peer:
        return next(peer for peer in reversed(self.peers) if peer.conn == conn)

    def _end(self, socket: Socket, failure: Failure | None) -> None:
        if socket.link is None:  # while it dials
            self.end_stream(socket.conn, failure)
        else:
            self.process.ended(socket, broken=False, failure=failure)

    def _lose(self, conn: int) -> None:
        self.process.sockets.pop(conn, None)
        self.process.settle()

    def _dial(self, socket: Socket, endpoint: Endpoint) -> None:
        manners = self._manners.popleft() if len(self._manners) > 1 else self._manners[0]
        self.peers.append(Peer(self, socket.conn, manners))
        self.dials.append((self.now, endpoint))
        if manners.never_dials:
            return
        link = None if manners.dial_failure is not None else self._link_to(socket.conn)
        self._arrive(
            socket.conn,
            lambda there: self.process.dial_done(there, link, manners.dial_failure),
            manners.dial_delay,
        )

    def _link_to(self, conn: int) -> Link:
        """What we write, the peer gets; what it says, `arrive` brings."""
        receive, weather = self._peer_of(conn).receive, Weather(delay=self.latency)
        chance = Chance(conn)
        upward = Pipe(self.schedule, chance, weather, deliver=receive, end=lambda _: None)
        return Link(upward, Pipe(self.schedule, chance, weather, deliver=receive, end=lambda _: None))

    def _forget_job(self, conn: int) -> None:
        shard = self.fleet._by_conn.get(conn)
        connection = shard.connections[conn] if shard is not None else None
        if connection is None or not connection._has_job:
            self.process._jobs.end(conn)
