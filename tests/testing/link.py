"""Clients of an exchange in simulated time: the real client machine, and a plain one that says what a test wants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Self

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, Request, TextMessage

from holdfast import Backoff, FeedConfig, FeedOptions, FeedStats, Fleet, Item, Keepalive, Retry, Staleness
from holdfast.commands import Write
from holdfast.testing import Exchange, Fault, Rules, ServerCommand, Stream
from holdfast.testing.world import Observer, Weather, World

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


class Link(Observer):
    """A fleet at an exchange in the simulated world, whose network takes `latency` seconds one way; what it got."""

    def __init__(
        self,
        script: Iterable[tuple[float, Fault]] = (),
        options: FeedOptions | None = None,
        *,
        latency: float = 0.0,
        streams: tuple[Stream, ...] = STREAMS,
        target: str | None = None,
        rules: Rules | None = None,
        ping_interval: float | None = None,
        seed: int = 1,
    ) -> None:
        self.items: list[Item] = []
        self.exchange = Exchange(streams, script, rules=rules, ping_interval=ping_interval)
        self._latency = latency
        self._world = World(seed, Weather(delay=latency), start_at=0.0)
        self._world.add_host("exchange.test", self.exchange)
        self.exchange.start(self._world.now)
        target = target or "/stream?streams=" + "/".join(stream.name for stream in streams)
        config = FeedConfig.build("ws://exchange.test" + target, {**SETTINGS, **(options or {})})
        self.fleet = self._world.make_fleet(config)
        process = self._world.run_process(self.fleet)
        process.observe(self)
        process.start()

    def on_item(self, item: Item, now: float) -> None:
        self.items.append(item)

    @property
    def now(self) -> float:
        return self._world.now

    def run(self, seconds: float) -> Self:
        self._world.run(seconds)
        return self

    def finish(self) -> Self:
        """The market closes, and what is on its way arrives."""
        self.exchange.stop_publishing(self.now)
        return self.run(self._latency)


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
