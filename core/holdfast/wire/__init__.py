"""Floor 1: bytes and WebSocket messages. One connection, no time."""

from holdfast.wire.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    MaskSource,
    check_close_code,
    client_frame,
    close_payload,
    server_frame,
)
from holdfast.wire.handshake import NONCE_SIZE, Accepted, ClientHandshake
from holdfast.wire.reader import CloseFrame, Control, FrameReader, PingFrame, PongFrame, Violation

__all__ = [
    "BINARY",
    "CLOSE",
    "NONCE_SIZE",
    "PING",
    "PONG",
    "TEXT",
    "Accepted",
    "ClientHandshake",
    "CloseFrame",
    "Control",
    "FrameReader",
    "MaskSource",
    "PingFrame",
    "PongFrame",
    "Violation",
    "check_close_code",
    "client_frame",
    "close_payload",
    "server_frame",
]
