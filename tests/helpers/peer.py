"""The far end of one connection: wsproto's server role, with manners that a test chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate

from holdfast import Failure

if TYPE_CHECKING:
    from helpers.world import World

Headers = dict[str, str]


@dataclass(frozen=True)
class Manners:
    """How a peer behaves. Times are seconds of simulated time."""

    dial_failure: Failure | None = None
    dial_delay: float = 0.0
    never_dials: bool = False  # the dial hangs
    status: int = 101
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    accept_delay: float = 0.0
    compresses: bool = False  # agrees to compression where it is offered
    never_answers: bool = False  # to the request
    pong_delay: float = 0.0
    answers_pings: bool = True
    answers_close: bool = True
    ends_stream: bool = True  # closes its socket behind the closing handshake
    on_open: Callable[[Peer], None] | None = None  # called when the handshake is done


class Peer:
    """One accepted connection. What it sends travels through the world, in order."""

    def __init__(self, world: World, conn: int, manners: Manners) -> None:
        self.world = world
        self.conn = conn
        self.manners = manners
        self.alive = True  # a dead peer reads and writes nothing
        self.messages: list[str | bytes] = []
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.close: CloseConnection | None = None
        self.last_byte_at = world.now  # when our end got its last byte
        self._server = WSConnection(ConnectionType.SERVER)

    def receive(self, data: bytes) -> None:
        if not self.alive or self._server.state is ConnectionState.CLOSED:
            return
        self._server.receive_data(data)
        for event in self._server.events():
            if isinstance(event, Request):
                self._answer_request()
            elif isinstance(event, TextMessage | BytesMessage):
                self.messages.append(event.data if isinstance(event.data, str) else bytes(event.data))
            elif isinstance(event, Ping):
                self.pings.append(bytes(event.payload))
                if self.manners.answers_pings:
                    pong = event.response()
                    self.world.later(self.manners.pong_delay, partial(self._say, pong))
            elif isinstance(event, Pong):
                self.pongs.append(bytes(event.payload))
            elif isinstance(event, CloseConnection):
                self._answer_close(event)

    # What a test lets it do. Behind its close, or ours, it has nothing more to say.

    def send(self, *messages: str | bytes) -> None:
        """All messages in one chunk."""
        self._say(*(TextMessage(one) if isinstance(one, str) else BytesMessage(one) for one in messages))

    def ping(self, *payloads: bytes) -> None:
        """All pings in one chunk."""
        self._say(*(Ping(payload) for payload in payloads))

    def say_close(self, code: int = 1000, reason: str = "") -> None:
        self._say(CloseConnection(code, reason))

    def send_raw(self, data: bytes) -> None:
        if self.alive:
            self.world.arrive(self.conn, data)

    def hang_up(self, failure: Failure | None = None) -> None:
        """The stream ends, or breaks."""
        if self.alive:
            self.alive = False
            self.world.arrive_end(self.conn, failure)

    def die(self) -> None:
        """Silence from here on; nothing that is not yet sent ever leaves."""
        self.alive = False

    # Inside

    def _answer_request(self) -> None:
        manners = self.manners
        if manners.never_answers:
            return
        headers = [(name.encode(), value.encode()) for name, value in manners.headers.items()]
        if manners.status == 101:
            self.world.later(manners.accept_delay, lambda: self._accept(headers))
            return
        headers.append((b"Content-Length", str(len(manners.body)).encode()))
        reject = RejectConnection(status_code=manners.status, headers=headers, has_body=True)
        self.send_raw(self._server.send(reject) + self._server.send(RejectData(manners.body)))

    def _accept(self, headers: list[tuple[bytes, bytes]]) -> None:
        extensions: list[Extension] = [PerMessageDeflate()] if self.manners.compresses else []
        self.send_raw(self._server.send(AcceptConnection(extra_headers=headers, extensions=extensions)))
        if self.manners.on_open is not None:
            self.manners.on_open(self)

    def _answer_close(self, event: CloseConnection) -> None:
        self.close = event
        if self.manners.answers_close and self._server.state is ConnectionState.REMOTE_CLOSING:
            self.send_raw(self._server.send(event.response()))
        if self.manners.ends_stream:
            self.hang_up()

    def _say(self, *events: Event) -> None:
        if self._server.state is ConnectionState.OPEN:
            self.send_raw(b"".join(self._server.send(event) for event in events))
