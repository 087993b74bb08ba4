"""One client's connection, seen from the server: WebSocket by wsproto, and the faults that hold its words back."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from enum import IntEnum
from typing import Any, ClassVar

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
    Request,
    TextMessage,
)
from wsproto.extensions import Extension
from wsproto.utilities import RemoteProtocolError

from holdfast.testing.commands import Abort, Finish, ServerCommand, Write
from holdfast.testing.faults import FaultRecord, Outgoing, Refusal
from holdfast.testing.ledger import ConnectionRecord
from holdfast.testing.plain_frames import plain_events, plain_frame
from holdfast.testing.service import Client, Service
from holdfast.timers import Timers
from holdfast.wire import TEXT, server_frame

HANDSHAKE_TIMEOUT = 10.0  # seconds that a client may take to ask for the upgrade
CLOSE_TIMEOUT = 5.0  # seconds that a client may take to answer a close frame
MAX_REQUEST_SIZE = 64 * 1024  # characters of one message from a client
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_END_OF_HANDSHAKE = b"\r\n\r\n"
_TOO_BIG = 1009


class Timer(IntEnum):
    """The deadlines of one connection."""

    HANDSHAKE = 0  # the client must have asked
    PING = 1  # time for the next ping of ours
    CLOSE = 2  # the client had its time to answer our close frame


class ServerConnection:
    """Commands go to the list that was handed in. Whatever the client sends, nothing is raised.

    `refusal` is asked at the handshake. `is_gone` once Finish or Abort went out: then it takes no more inputs.
    """

    def __init__(
        self,
        conn: int,
        now: float,
        *,
        service: Service,
        client: Client,
        wall_offset: float,
        refusal: Callable[[], Refusal | None],
        ping_interval: float | None,
        commands: list[ServerCommand],
    ) -> None:
        self.conn = conn
        self.record = ConnectionRecord(conn, accepted_at=now)
        self.client = client
        self.streams = client.streams  # the same set
        self.faults: list[FaultRecord] = []
        self.is_gone = False
        self._service = service
        self._wall_offset = wall_offset
        self._texts = 0  # sent
        self._uncounted = 0  # of these, without a number
        self._refusal = refusal
        self._ping_interval = ping_interval
        self._commands = commands
        self._frame: Callable[[int, bytes], bytes] = server_frame  # for a message of a stream
        self._ws = WSConnection(ConnectionType.SERVER)
        self._is_plain = True  # nothing lies in wsproto that is not whole
        self._request: list[str] = []  # the client's message so far
        self._request_size = 0
        self._now = now
        self._timers = Timers(Timer)
        self._timers.set(Timer.HANDSHAKE, now + HANDSHAKE_TIMEOUT)

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._ws.state is ConnectionState.OPEN and not self.is_gone

    @property
    def is_closing(self) -> bool:
        """Whether we want it closed: then the close frame was sent, or a fault held it back."""
        return self._timers.at(Timer.CLOSE) < math.inf

    def next_deadline(self) -> float:
        return self._timers.next()

    # Inputs

    def received(self, data: bytes, now: float) -> None:
        self._now = now
        try:
            for event in self._events_of(data):
                if self.is_gone:
                    break
                self._handle(event)
        except (RemoteProtocolError, UnicodeError):  # wsproto raises for a bad handshake only; frames give events
            if not self._withheld(Outgoing.HANDSHAKE):
                self._commands.append(Write(self.conn, _BAD_REQUEST))
                self._finish()

    def tick(self, now: float) -> None:
        self._now = now
        while not self.is_gone and (timer := self._timers.expired(now)) is not None:
            if timer == Timer.PING:
                assert self._ping_interval is not None
                self._timers.set(Timer.PING, now + self._ping_interval)
                self._ping()
            else:
                self.reset()

    def publish(self, stream: str, text: str, now: float) -> None:
        """A message of a stream that this client gets."""
        self._now = now
        if self.is_open and not (self.faults and self._withheld(Outgoing.DATA)):
            # By hand, because wsproto takes ten times as long; and a server has no other thing to do so often.
            text = self._service.numbered(text, self._texts - self._uncounted)
            self._texts += 1
            if not (self.faults and self._withheld(Outgoing.NUMBERED)):
                self._commands.append(Write(self.conn, self._frame(TEXT, text.encode())))
                self.record.written[stream] += 1

    def struck(self, record: FaultRecord, now: float) -> None:
        """A fault strikes this connection."""
        self._now = now
        self.faults.append(record)
        record.hits += record.fault.strike(self)

    # What faults do at once

    def reset(self) -> bool:
        self._commands.append(Abort(self.conn))
        self._end()
        return True

    def close(self, code: int, reason: str) -> bool:
        return self._close(CloseConnection(code, reason))

    # What clients do

    def _handle(self, event: Event) -> None:
        self._HANDLERS[type(event)](self, event)

    def _on_request(self, request: Request) -> None:
        asked = self._service.asked_by(request.target)
        refusal = self._refusal() or (Refusal(404) if asked is None else self._turned_away(asked))
        if refusal is not None:
            if self._send(Outgoing.HANDSHAKE, _rejection(refusal)):
                self._finish()
        elif self._send(Outgoing.HANDSHAKE, AcceptConnection(extensions=self._extensions())):
            self.record.opened_at = self._now
            self.client.target = request.target
            self.streams.update(asked or ())
            self._on_open()

    def _turned_away(self, asked: Collection[str]) -> Refusal | None:  # noqa: ARG002
        """What a dial that asks for these streams is answered with; None for a welcome."""
        return None

    def _extensions(self) -> list[Extension]:
        """What a client that offers them can have."""
        return []

    def _on_open(self) -> None:
        self._timers.clear(Timer.HANDSHAKE)
        if self._ping_interval is not None:
            self._timers.set(Timer.PING, self._now + self._ping_interval)
        self._say(Outgoing.REPLY, self._service.greeting(self._client_now()))

    def _on_text(self, event: TextMessage) -> None:
        if self.is_closing:
            return  # it was told so; a part of a request that was one too many may be missing
        self._request.append(event.data)
        self._request_size += len(event.data)
        if self._request_size > MAX_REQUEST_SIZE:
            self.close(_TOO_BIG, f"requests have at most {MAX_REQUEST_SIZE} characters")
        elif event.message_finished:
            request = "".join(self._request)
            self._request.clear()
            self._request_size = 0
            self._say(Outgoing.REPLY, self._service.answer(request, self._client_now()))
            if self.client.ending is not None:
                self.close(*self.client.ending)

    def _on_bytes(self, event: BytesMessage) -> None:
        """No service here has a use for them."""

    def _on_ping(self, ping: Ping) -> None:
        if self._send(Outgoing.PONG, ping.response()):
            self.record.answered += 1

    def _on_pong(self, pong: Pong) -> None:  # noqa: ARG002
        self.record.pongs += 1

    def _on_close(self, close: CloseConnection) -> None:
        """The client's close frame, its answer to ours, or what wsproto says of a violation of the protocol."""
        if self._ws.state is ConnectionState.CLOSED or self._close(close.response()):
            self._finish()

    _HANDLERS: ClassVar[dict[type[Event], Callable[[ServerConnection, Any], None]]] = {
        Request: _on_request,
        TextMessage: _on_text,
        BytesMessage: _on_bytes,
        Ping: _on_ping,
        Pong: _on_pong,
        CloseConnection: _on_close,
    }

    # Inside

    def _events_of(self, data: bytes) -> Iterable[Event]:
        if self._is_plain and self.is_open and (events := plain_events(data)) is not None:
            return events
        self._is_plain = self._is_plain and not self.is_open and data.endswith(_END_OF_HANDSHAKE)
        self._ws.receive_data(data)
        return self._ws.events()

    def _bytes_of(self, event: Event) -> bytes:
        return plain_frame(event) or self._ws.send(event)

    def _ping(self) -> None:
        self._send(Outgoing.PING, Ping())

    def _close(self, frame: CloseConnection) -> bool:
        if self._ws.state not in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            return False
        self._stop_timers()
        silent_until = max([self._now, *(fault.until for fault in self._holding(Outgoing.CLOSE))])
        self._timers.set(Timer.CLOSE, silent_until + CLOSE_TIMEOUT)
        return self._send(Outgoing.CLOSE, frame)

    def _client_now(self) -> Client:
        self.client.wall_time = self._now + self._wall_offset
        return self.client

    def _say(self, outgoing: Outgoing, texts: Iterable[str]) -> None:
        for text in texts:
            if self._send(outgoing, TextMessage(self._service.numbered(text, self._texts - self._uncounted))):
                self._texts += 1
                self._uncounted += not self._service.counts(text)

    def _send(self, outgoing: Outgoing, event: Event) -> bool:
        """Whether it went out."""
        if outgoing not in (Outgoing.HANDSHAKE, Outgoing.CLOSE) and not self.is_open:
            return False
        if self._withheld(outgoing):
            return False
        self._commands.append(Write(self.conn, self._bytes_of(event)))
        return True

    def _withheld(self, outgoing: Outgoing) -> bool:
        holding = self._holding(outgoing)
        for fault in holding:
            fault.hits += 1
        return bool(holding)

    def _holding(self, outgoing: Outgoing) -> list[FaultRecord]:
        """The faults that keep this back now."""
        if not self.faults:
            return self.faults
        self.faults = [fault for fault in self.faults if self._now < fault.until]
        return [fault for fault in self.faults if fault.fault.withholds(outgoing)]

    def _finish(self) -> None:
        self._commands.append(Finish(self.conn))
        self._end()

    def _end(self) -> None:
        self.is_gone = True
        self._stop_timers()

    def _stop_timers(self) -> None:
        self._timers.clear_all()


def _rejection(refusal: Refusal) -> RejectConnection:
    headers = [] if refusal.retry_after is None else [(b"retry-after", str(refusal.retry_after).encode())]
    return RejectConnection(refusal.status, [*headers, (b"connection", b"close")])
