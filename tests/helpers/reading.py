"""What a stream of frames means: to our reader, to wsproto, to websockets; in one shape, so that they compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate as WebsocketsDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from holdfast.wire import (
    Agreement,
    CloseFrame,
    Control,
    DeflatedReader,
    FrameReader,
    PingFrame,
    PongFrame,
    Violation,
)

ANY_SIZE = 1 << 40


@dataclass
class Reading:
    """Messages and control frames, each in order; `violation` is the close code for what broke the protocol."""

    messages: list[str | bytes] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    violation: int | None = None
    detail: str = field(default="", compare=False)


def reader_for(agreement: Agreement | None, max_message_size: int = ANY_SIZE) -> FrameReader:
    """What a connection reads with, once that was agreed on."""
    return FrameReader(max_message_size) if agreement is None else DeflatedReader(max_message_size, agreement)


def read_by_holdfast(
    chunks: Iterable[bytes], max_message_size: int = ANY_SIZE, agreement: Agreement | None = None
) -> Reading:
    reader, reading = reader_for(agreement, max_message_size), Reading()
    for chunk in chunks:
        for control in reader.receive(chunk, reading.messages):
            assert reading.violation is None, "something was read behind a violation"
            if isinstance(control, Violation):
                reading.violation, reading.detail = control.code, control.detail
            else:
                reading.controls.append(control)
    return reading


def read_by_wsproto(stream: bytes, agreement: Agreement | None = None) -> Reading:
    extensions = []
    if agreement is not None:
        deflate = WsprotoDeflate(server_no_context_takeover=agreement.server_no_context_takeover)
        deflate.finalize(deflate.name)
        extensions.append(deflate)
    connection, reading = Connection(ConnectionType.CLIENT, extensions), Reading()
    connection.receive_data(stream)
    parts: list[str] | list[bytes] = []
    for event in connection.events():
        if isinstance(event, TextMessage | BytesMessage):
            parts.append(event.data)  # type: ignore[arg-type]
            if event.message_finished:
                reading.messages.append(type(event.data)().join(parts))  # type: ignore[arg-type]
                parts = []
        elif isinstance(event, Ping):
            reading.controls.append(PingFrame(bytes(event.payload)))
        elif isinstance(event, Pong):
            reading.controls.append(PongFrame(bytes(event.payload)))
        elif isinstance(event, CloseConnection) and connection.state is ConnectionState.OPEN:
            reading.violation = int(event.code)
        elif isinstance(event, CloseConnection):
            reading.controls.append(CloseFrame(int(event.code), event.reason or ""))
    return reading


def read_by_websockets(stream: bytes, agreement: Agreement | None = None) -> Reading:
    """Of a stream without a violation."""
    protocol, reading = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN, max_size=None), Reading()
    if agreement is not None:
        protocol.extensions = [WebsocketsDeflate(agreement.server_no_context_takeover, False, 15, 15)]
    protocol.receive_data(stream)
    opcode, parts = Opcode.BINARY, bytearray()
    for frame in protocol.events_received():
        assert isinstance(frame, Frame)
        if frame.opcode is Opcode.PING:
            reading.controls.append(PingFrame(bytes(frame.data)))
        elif frame.opcode is Opcode.PONG:
            reading.controls.append(PongFrame(bytes(frame.data)))
        elif frame.opcode is Opcode.CLOSE:
            close = Close.parse(frame.data)
            reading.controls.append(CloseFrame(close.code, close.reason))
        else:
            opcode = frame.opcode if frame.opcode is not Opcode.CONT else opcode
            parts += frame.data
            if frame.fin:
                reading.messages.append(parts.decode() if opcode is Opcode.TEXT else bytes(parts))
                parts = bytearray()
    return reading
