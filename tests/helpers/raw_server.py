"""A server in the same loop as the transport that is tested: it does as it is told, frame by frame.

A handler is an async function of one `End`, the server's end of a connection, at which not even the handshake has been
done yet. When it returns, the connection stays as it is until the server ends.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial

from wsproto import ConnectionType, WSConnection
from wsproto import events as ws
from wsproto.connection import ConnectionState

from helpers.simulated import SimulatedBackend, Tasks, Wire
from holdfast.driver import Event


class End:
    """The server's end of one connection.

    From `open` on it reads, and answers pings and the close frame, unless told otherwise.
    """

    def __init__(self, backend: SimulatedBackend, tasks: Tasks, wire: Wire) -> None:
        self.messages: list[str | bytes] = []
        self.pinged_at: list[float] = []
        self.pongs: list[bytes] = []
        self.close_code: int | None = None
        self.gone = False  # the client ended its stream, or broke it
        self.answers_pings = True
        self.answers_close = True
        self.wire = wire
        self._backend = backend
        self._tasks = tasks
        self._reading = False
        self._server = WSConnection(ConnectionType.SERVER)
        self._unanswered = ws.Ping()
        self._unsent = bytearray()
        self._parts: list[str | bytes] = []
        self._waiters: list[tuple[Callable[[], object], Event]] = []

    # What a handler does

    async def open(self, *messages: str | bytes, reads: bool = True) -> None:
        """The handshake; `messages` travel in the same write as its end."""
        await self.request()
        self.accept(*messages)
        if reads:
            self.read_on()

    def accept(self, *messages: str | bytes) -> None:
        """What is left of the handshake after `request`."""
        self.send_now(self._server.send(ws.AcceptConnection()) + self.frames(*messages))

    async def request(self) -> None:
        """Read the client's request; answer nothing."""
        while not any(isinstance(event, ws.Request) for event in self._server.events()):
            data = await self.wire.receive()
            if not data:
                raise ConnectionAbortedError
            self._server.receive_data(data)

    async def reject(self, status: int, headers: dict[str, str] | None = None) -> None:
        """Read the request, answer with that status, and end the stream."""
        await self.request()
        pairs = [(name.encode(), value.encode()) for name, value in {"Content-Length": "0", **(headers or {})}.items()]
        self.send_now(self._server.send(ws.RejectConnection(status_code=status, headers=pairs)))
        self.hang_up()

    def frames(self, *messages: str | bytes) -> bytes:
        if messages and self._server.state is not ConnectionState.OPEN:
            raise ConnectionAbortedError
        return b"".join(
            self._server.send(ws.TextMessage(message) if isinstance(message, str) else ws.BytesMessage(message))
            for message in messages
        )

    async def send(self, *messages: str | bytes) -> None:
        """Waits until the socket has taken it."""
        self.send_now(self.frames(*messages))
        await self.until(lambda: not self._unsent)

    def send_now(self, data: bytes) -> None:
        """Before anybody else runs, as far as the socket takes it."""
        begun = bool(self._unsent)
        self._unsent += data
        if not begun:
            self._send_some()
            if self._unsent:
                self._tasks.start(self._send_rest)

    def ping(self, payload: bytes = b"") -> None:
        self.send_now(self._server.send(ws.Ping(payload)))

    def pong(self) -> None:
        """Answer the last ping."""
        self.send_now(self._server.send(self._unanswered.response()))

    def close(self, code: int = 1000) -> None:
        """A close frame. The stream stays until the client has answered, then it ends."""
        self.send_now(self._server.send(ws.CloseConnection(code)))

    def hang_up(self) -> None:
        """End the stream."""
        self.wire.close()

    def reset(self) -> None:
        """Break the stream (RST)."""
        self.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wire.close()

    def deaf(self) -> None:
        """Read nothing from here on, but for what is being read."""
        self._reading = False

    def read_on(self) -> None:
        self._reading = True
        self._tasks.start(self._read)

    async def until(self, ready: Callable[[], object]) -> None:
        """Wait for what the client does. Raises ConnectionError when it is gone."""
        while not ready():
            if self.gone:
                raise ConnectionAbortedError
            waiter = (ready, self._backend.make_event())
            self._waiters.append(waiter)
            try:
                await waiter[1].wait()
            finally:
                self._waiters.remove(waiter)

    async def until_gone(self) -> None:
        await self.until(lambda: self.gone)

    @property
    def is_closed(self) -> bool:
        """Whether our socket is."""
        return self.wire.sock.fileno() < 0

    # Inside

    def _send_some(self) -> None:
        with suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self.wire.sock.send(self._unsent)]

    async def _send_rest(self) -> None:
        try:
            while self._unsent:
                await self.wire.writable()
                self._send_some()
        except ConnectionError:
            self.gone = True
        self._wake()

    def _wake(self) -> None:
        for ready, waiter in self._waiters:
            if ready() or self.gone:
                waiter.set()

    async def _read(self) -> None:
        while self._reading and not self.gone and not self.is_closed:
            try:
                data = await self.wire.receive()
                if data:
                    self._server.receive_data(data)
                    for event in self._server.events():
                        self._note(event)
            except ConnectionError:
                data = b""
            self.gone = self.gone or not data
            self._wake()

    def _note(self, event: ws.Event) -> None:
        if isinstance(event, ws.TextMessage | ws.BytesMessage):
            self._parts.append(event.data)
            if event.message_finished:
                self.messages.append(self._parts[0][:0].join(self._parts))
                self._parts.clear()
        elif isinstance(event, ws.Ping):
            self.pinged_at.append(self._backend.now())
            self._unanswered = event
            if self.answers_pings:
                self.pong()
        elif isinstance(event, ws.Pong):
            self.pongs.append(bytes(event.payload))
        elif isinstance(event, ws.CloseConnection):
            self.close_code = event.code
            if self._server.state is ConnectionState.REMOTE_CLOSING and self.answers_close:
                self.send_now(self._server.send(event.response()))
            if self.answers_close:
                self.hang_up()


Handler = Callable[[End], Awaitable[object]]


class RawServer:
    """`handlers` are taken in turn, one a connection; the last serves all further ones."""

    def __init__(self, backend: SimulatedBackend, tasks: Tasks, listener: Wire, handlers: tuple[Handler, ...]) -> None:
        self.ends: list[End] = []
        self.accepted_at: list[float] = []
        self._backend = backend
        self._tasks = tasks
        self._listener = listener
        self._handlers = handlers

    @property
    def port(self) -> int:
        port: int = self._listener.sock.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/feed"

    @property
    def descriptors(self) -> int:
        """How many sockets it has open."""
        return 1 + sum(not end.is_closed for end in self.ends)

    async def accept_all(self) -> None:
        while True:
            wire = await self._listener.accept()
            end = End(self._backend, self._tasks, wire)
            handler = self._handlers[min(len(self.ends), len(self._handlers) - 1)]
            self.ends.append(end)
            self.accepted_at.append(self._backend.now())
            self._tasks.start(partial(self._serve, handler, end))

    async def _serve(self, handler: Handler, end: End) -> None:
        with suppress(OSError):  # the client left; a test that cares looks at what it got
            await handler(end)

    def close(self) -> None:
        for wire in (self._listener, *(end.wire for end in self.ends)):
            wire.close()


@asynccontextmanager
async def serving(backend: SimulatedBackend, *handlers: Handler) -> AsyncIterator[RawServer]:
    """A server on a port of its own; with the block end its connections, silently."""
    async with backend.tasks() as tasks:
        listener = backend.wire(socket.create_server(("127.0.0.1", 0), backlog=100))
        server = RawServer(backend, tasks, listener, handlers)
        tasks.start(server.accept_all)
        try:
            yield server
        finally:
            tasks.cancel()
            server.close()


# Handlers


def sends(*messages: str | bytes) -> Handler:
    """Send these; then answer pings until the client leaves."""

    async def handler(end: End) -> None:
        await end.open(*messages)

    return handler


def sends_and_hangs_up(*messages: str | bytes) -> Handler:
    async def handler(end: End) -> None:
        await end.open(*messages)
        end.hang_up()

    return handler


async def repeats(end: End) -> None:
    """Send back what is received."""
    await end.open()
    count = 0
    while True:
        await end.until(lambda taken=count: len(end.messages) > taken)
        await end.send(end.messages[count])
        count += 1


async def never_answers(end: End) -> None:
    """Take the request, and say nothing to it."""
    await end.request()


# Places where no server is


@contextmanager
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and nobody else will."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def hanging_port() -> Iterator[int]:
    """A port at which a connection attempt gets no answer: its queue of connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        hangs = False
        while not hangs:
            attempt = stack.enter_context(socket.socket())
            attempt.setblocking(False)
            attempt.connect_ex(listener.getsockname())
            hangs = not select.select([], [attempt], [], 0)[1]
        yield listener.getsockname()[1]
