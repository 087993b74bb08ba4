"""Real servers on loopback, in a thread of their own, so that they serve both transports and blocked loops alike."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from websockets.asyncio.server import ServerConnection, serve

from holdfast_asyncio.listening import close_server

Handler = Callable[[ServerConnection], Awaitable[None]]


class ThreadedServer(ABC):
    """Something that listens on `port`, from `with` on, in a loop and a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        await self.stop()
        await _some_turns()  # for what was accepted a moment ago to begin
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _some_turns()  # for transports to close

    def call(self, what: Any) -> Any:
        """Run a coroutine in the server's thread, from the test's."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()


async def _some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class WebSocketServer(ThreadedServer):
    """A `websockets` server. `handlers` are taken in turn, one a connection; the last serves all further ones."""

    def __init__(self, *handlers: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", **options: Any):
        super().__init__()
        self._handlers = list(handlers)
        self._tls = tls
        self._host = host
        self._options: dict[str, Any] = {"ping_interval": None, "compression": None, "close_timeout": 1, **options}
        self.accepted = 0
        self.closed_with: list[int | None] = []

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'wss' if self._tls else 'ws'}://{host}:{self.port}/feed"

    async def start(self) -> None:
        """Listen; a second time on the same port."""
        self._server = await serve(self._serve, self._host, self.port, ssl=self._tls, **self._options)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        await close_server(self._server.server)
        self._server.close(code=1001)
        await self._server.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        handler = self._handlers[min(self.accepted, len(self._handlers) - 1)]
        self.accepted += 1
        try:
            await handler(connection)
        finally:
            await connection.close()
            self.closed_with.append(connection.protocol.close_rcvd.code if connection.protocol.close_rcvd else None)


def send_all(*messages: str | bytes) -> Handler:
    """Send these, then close with 1000."""

    async def handler(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)

    return handler


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def listen(connection: ServerConnection) -> None:
    """Say nothing until the client leaves."""
    await connection.wait_closed()


def send_and_stay(*messages: str | bytes) -> Handler:
    """Send these, and stay until the client leaves."""

    async def handler(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.wait_closed()

    return handler


def then_reset(*messages: str | bytes) -> Handler:
    """Send these, wait for one message, then break the connection with RST."""

    async def handler(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.recv()
        sock: socket.socket = connection.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.transport.abort()

    return handler


@contextmanager
def silent_listener() -> Iterator[int]:
    """A port that takes connections and never says a word; gives its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
