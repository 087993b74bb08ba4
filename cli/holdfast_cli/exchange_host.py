"""A simulated exchange behind real sockets on loopback, in a thread and an event loop of its own.

Of its own, so that a client on any transport can use it, and a client that blocks never holds up the exchange.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from holdfast.testing import Abort, Exchange, FaultRecord, Finish, ServerCommand, Write
from holdfast_asyncio.listening import close_server

HOST = "127.0.0.1"
MAX_UNSENT = 16 * 1024 * 1024  # bytes; a client that is further behind is cut off
_LINGER_RESET = struct.pack("ii", 1, 0)  # closing sends RST, and drops what is unsent (socket(7))
_PATIENCE = 10.0  # seconds for the thread to answer; it does nothing but short callbacks

T = TypeVar("T")


class ExchangeHost:
    """`with ExchangeHost(exchange) as host:` serves at `host.url`, and starts the exchange. At the end nothing is left.

    `on_struck` is called from the host's thread, before the fault is felt. The exchange belongs to that thread as long
    as it runs: `ask` is the way to it.
    """

    def __init__(self, exchange: Exchange, on_struck: Callable[[FaultRecord], None] | None = None) -> None:
        self._exchange = exchange
        self._on_struck = on_struck
        self._thread = Thread(target=self._run, name="holdfast exchange")
        self._ready: Future[int] = Future()
        self._broken: BaseException | None = None
        self._clients: dict[int, _Client] = {}
        self._accepted = 0
        self._timer: asyncio.TimerHandle | None = None
        self.started_at = 0.0  # on time.monotonic()
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.url = f"ws://{HOST}:{self._ready.result()}"
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if error is None:
            self._check()

    def ask(self, question: Callable[[Exchange, float], T]) -> T:
        """Call `question(exchange, now)` in the host's thread, and wait for what it returns."""
        self._check()
        answer: Future[T] = Future()
        self._loop.call_soon_threadsafe(self._answer, question, answer)
        return answer.result(_PATIENCE)

    # In the host's thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # whoever started the thread is to hear of it
            self._broken = self._broken or error
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note_broken)
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(lambda: _Client(self), HOST, 0)
        try:
            self.started_at = self._loop.time()
            self._exchange.start(self.started_at, wall_offset=time.time() - self.started_at)
            self.settle()
            self._ready.set_result(server.sockets[0].getsockname()[1])
            await self._stopping.wait()
        finally:
            await close_server(server)
            while clients := list(self._clients.values()):
                for client in clients:
                    client.reset()
                await asyncio.gather(*(client.closed for client in clients))
            await server.wait_closed()
            self._disarm()

    def settle(self) -> None:
        """Steps 2 to 4 of the contract in `holdfast.testing.exchange`."""
        for record in self._exchange.take_struck():
            if self._on_struck is not None:
                self._on_struck(record)
        for command in self._exchange.take_commands():
            self._carry_out(command)
        self._disarm()
        if (deadline := self._exchange.next_deadline()) < math.inf:
            self._timer = self._loop.call_at(deadline, self._tick)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._exchange.tick(self._loop.time())
        self.settle()

    def _carry_out(self, command: ServerCommand) -> None:
        client = self._clients.get(command.conn)
        if client is None:
            return
        if type(command) is Write:
            client.write(command.data)
        elif type(command) is Finish:
            client.finish()
        else:
            assert type(command) is Abort
            client.reset()

    def _answer(self, question: Callable[[Exchange, float], T], answer: Future[T]) -> None:
        try:
            answer.set_result(question(self._exchange, self._loop.time()))
        except BaseException as error:  # it belongs to whoever asked
            answer.set_exception(error)
        self.settle()

    def _note_broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG002
        self._broken = self._broken or context.get("exception") or RuntimeError(context["message"])

    def _check(self) -> None:
        if self._broken is not None:
            raise RuntimeError("the exchange broke down") from self._broken

    # What clients' sockets report

    def number(self, client: _Client) -> int:
        """The number of a new connection."""
        self._accepted += 1
        self._clients[self._accepted] = client
        return self._accepted

    def client_came(self, conn: int) -> None:
        """The socket is connected."""
        self._exchange.accepted(conn, self._loop.time())
        self.settle()

    def client_said(self, conn: int, data: bytes) -> None:
        """Bytes arrived."""
        self._exchange.received(conn, data, self._loop.time())
        self.settle()

    def client_left(self, conn: int) -> None:
        """The socket is closed."""
        del self._clients[conn]
        self._exchange.disconnected(conn, self._loop.time())
        self.settle()


class _Client(asyncio.Protocol):
    """One socket: bytes both ways, nothing decided."""

    def __init__(self, host: ExchangeHost) -> None:
        self._host = host
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._conn = self._host.number(self)
        self._host.client_came(self._conn)

    def data_received(self, data: bytes) -> None:
        self._host.client_said(self._conn, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.closed.set_result(None)
        self._host.client_left(self._conn)

    def write(self, data: bytes) -> None:
        """Send it, behind all that was written before."""
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self.reset()

    def finish(self) -> None:
        """FIN, behind all that was written."""
        self._transport.close()

    def reset(self) -> None:
        """RST."""
        sock = cast(socket.socket, self._transport.get_extra_info("socket"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._transport.abort()
