"""Clients of an exchange in simulated time: the real client machine, and a plain one that says what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, Request, TextMessage

from holdfast import (
    Backoff,
    Cause,
    Failure,
    FeedConfig,
    FeedOptions,
    FeedStats,
    Fleet,
    Item,
    Keepalive,
    Retry,
    Staleness,
)
from holdfast.commands import Command, Connect, Disconnect, Write
from holdfast.testing import Abort, Exchange, Fault, Finish, ServerCommand, Stream

STREAMS = (Stream("btcusdt@trade", 8), Stream("ethusdt@trade", 4))
TARGET = "/stream?streams=btcusdt@trade/ethusdt@trade"
SETTINGS: FeedOptions = {
    "keepalive": Keepalive(interval=1.0, timeout=1.0),
    "staleness": Staleness(after=2.5, reconnect=True),
    "backoff": Backoff(initial=0.25, maximum=2.0, jitter=0.0),
    "retry": Retry(stable_after=1.0),
}


def stats(**changes: object) -> FeedStats:
    """The figures of a feed that has not begun, with these changes."""
    fleet = Fleet(FeedConfig.build("ws://exchange.test", {}), random=Random(1), entropy=Random(1).randbytes)
    return replace(fleet.stats(0.0), **changes)  # type: ignore[arg-type]


class Link:
    """A fleet and an exchange, joined by a network with `latency` seconds one way. Both number connections alike."""

    def __init__(
        self,
        script: Iterable[tuple[float, Fault]] = (),
        options: FeedOptions | None = None,
        *,
        latency: float = 0.0,
        streams: tuple[Stream, ...] = STREAMS,
        seed: int = 1,
    ) -> None:
        url = "ws://exchange.test/stream?streams=" + "/".join(stream.name for stream in streams)
        config = FeedConfig.build(url, {**SETTINGS, **(options or {})})
        self.fleet = Fleet(config, random=Random(seed), entropy=Random(seed).randbytes)
        self.exchange = Exchange(streams, script)
        self.now = 0.0
        self.items: list[Item] = []
        self._latency = latency
        self._flying: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._cut: set[int] = set()  # connections of which the client will hear no more
        self.exchange.start(self.now)
        self.fleet.start(self.now)
        self._settle()

    def run(self, seconds: float) -> Link:
        end = self.now + seconds
        while True:
            arrival = self._flying[0][0] if self._flying else end
            self.now = max(self.now, min(arrival, self.exchange.next_deadline(), self.fleet.next_deadline(), end))
            if self._flying and arrival <= self.now:
                heappop(self._flying)[2]()
            elif self.exchange.next_deadline() <= self.now:
                self.exchange.tick(self.now)
            elif self.fleet.next_deadline() <= self.now:
                self.fleet.tick(self.now)
            else:
                return self
            self._settle()

    def finish(self) -> Link:
        """The market closes, and what is on its way arrives."""
        self.exchange.stop_publishing(self.now)
        return self.run(self._latency)

    def _settle(self) -> None:
        for served in self.exchange.take_commands():
            self._serve(served)
        for command in self.fleet.take_commands():
            self._ask(command)
        self.items += self.fleet.take_items()

    def _ask(self, command: Command) -> None:
        conn = command.conn
        if isinstance(command, Connect):
            self._later(lambda: self.exchange.accepted(conn, self.now))
            self._later(lambda: self.fleet.connected(conn, self.now))
        elif isinstance(command, Write):
            self._later(partial(self._reach_exchange, conn, command.data))
        else:
            assert isinstance(command, Disconnect)
            self._cut.add(conn)
            self._later(lambda: self.exchange.disconnected(conn, self.now))

    def _serve(self, command: ServerCommand) -> None:
        conn = command.conn
        if isinstance(command, Write):
            self._later(partial(self._reach_client, conn, command.data))
        elif isinstance(command, Finish):
            self._later(lambda: self.fleet.disconnected(conn, None, self.now))
        else:
            assert isinstance(command, Abort)
            self._cut.add(conn)  # what is in flight is lost
            self._later(lambda: self.fleet.disconnected(conn, Failure(Cause.RESET), self.now))

    def _reach_exchange(self, conn: int, data: bytes) -> None:
        self.exchange.received(conn, data, self.now)

    def _reach_client(self, conn: int, data: bytes) -> None:
        if conn not in self._cut:
            self.fleet.received(conn, data, self.now)

    def _later(self, arrival: Callable[[], None]) -> None:
        heappush(self._flying, (self.now + self._latency, next(self._order), arrival))


class PlainClient:
    """One connection to an exchange, by wsproto: what came, and the command that `ended` it."""

    def __init__(self, exchange: Exchange, now: float = 0.0, conn: int = 1) -> None:
        self.exchange = exchange
        self.conn = conn
        self.raw = b""
        self.texts: list[str] = []
        self.events: list[Event] = []
        self.ended: type[ServerCommand] | None = None
        self._ws = WSConnection(ConnectionType.CLIENT)
        exchange.accepted(conn, now)

    def open(self, target: str = TARGET, now: float = 0.0) -> PlainClient:
        self.give(self._ws.send(Request(host="exchange.test", target=target)), now)
        return self

    def send(self, event: Event, now: float = 0.0) -> PlainClient:
        return self.give(self._ws.send(event), now)

    def give(self, data: bytes, now: float = 0.0) -> PlainClient:
        self.exchange.received(self.conn, data, now)
        return self.take()

    def tick(self, now: float) -> PlainClient:
        self.exchange.tick(now)
        return self.take()

    def take(self) -> PlainClient:
        for command in self.exchange.take_commands():
            assert self.ended is None, f"{command!r} after the end"
            if isinstance(command, Write):
                self.raw += command.data
                self._ws.receive_data(command.data)
                self._sort(self._ws.events())
            else:
                self.ended = type(command)
        return self

    @property
    def is_open(self) -> bool:
        return any(isinstance(event, AcceptConnection) for event in self.events)

    def _sort(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, TextMessage):
                self.texts.append(event.data)
            else:
                self.events.append(event)
