"""A simulated exchange behind real sockets, in the loop and the simulated time of the transport that is tested."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from helpers.raw_server import End, RawServer, serving
from helpers.simulated import SimulatedBackend
from holdfast import Event, Feed, Update
from holdfast.testing import Exchange, Fault, Finish, Write

_LOOKS = 0.05  # seconds between two looks at what the exchange's clock brings

T = TypeVar("T")


class RawExchange:
    """Its server is `server`; `exchange` is looked at as it is."""

    def __init__(self, backend: SimulatedBackend, exchange: Exchange) -> None:
        self.server: RawServer
        self.exchange = exchange
        self._backend = backend
        self._ends: dict[int, End] = {}

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}"

    def strike(self, fault: Fault) -> None:
        self.exchange.strike(fault, self._backend.now())
        self._settle()

    def forget(self, stream: str) -> None:
        """The service loses this subscription of all connections, and says nothing."""
        for connection in self.exchange._connections.values():
            connection.streams.discard(stream)

    @property
    def held(self) -> list[frozenset[str]]:
        """What each open connection is subscribed to."""
        return list(self.exchange.subscriptions.values())

    @property
    def closed_by(self) -> list[str]:
        """The rules under which connections were closed."""
        return [record.closed_by for record in self.exchange.ledger.connections if record.closed_by]

    async def serve(self, end: End) -> None:
        """A handler of `serving`."""
        conn = len(self._ends) + 1
        self._ends[conn] = end
        self.exchange.accepted(conn, self._backend.now())
        self._settle()
        with suppress(OSError):
            while not end.is_closed and (data := await end.wire.receive()):
                self.exchange.received(conn, data, self._backend.now())
                self._settle()
        self.exchange.disconnected(conn, self._backend.now())
        end.wire.close()
        self._settle()

    async def tick(self) -> None:
        """As time goes by."""
        while True:
            await self._backend.sleep(_LOOKS)
            self.exchange.tick(self._backend.now())
            self._settle()

    def _settle(self) -> None:
        for command in self.exchange.take_commands():
            end = self._ends[command.conn]
            if end.is_closed:
                continue
            if type(command) is Write:
                with suppress(OSError):
                    end.send_now(command.data)
            elif type(command) is Finish:
                end.hang_up()
            else:
                end.reset()


@asynccontextmanager
async def at_exchange(backend: SimulatedBackend, exchange: Exchange) -> AsyncIterator[RawExchange]:
    """With the block everything ends."""
    host = RawExchange(backend, exchange)
    exchange.start(backend.now())
    async with serving(backend, host.serve) as host.server, backend.tasks() as tasks:
        tasks.start(host.tick)
        yield host
        tasks.cancel()


class Log:
    """All items of a feed, in order."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def of(self, kind: type[T]) -> list[T]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def kinds(self) -> list[type[Event]]:
        """Of the events."""
        return [type(item) for item in self.items if isinstance(item, Event)]

    def count(self, stream: str) -> int:
        """Messages of this stream so far."""
        return sum(update.stream == stream for update in self.of(Update))


@asynccontextmanager
async def logging(backend: SimulatedBackend, feed: Feed[Update]) -> AsyncIterator[Log]:
    """Take all items of a feed, meanwhile."""
    log = Log()

    async def take() -> None:
        async for item in feed.items():
            log.items.append(item)

    async with backend.tasks() as tasks:
        tasks.start(take)
        yield log
        tasks.cancel()
