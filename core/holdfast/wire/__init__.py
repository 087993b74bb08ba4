"""Floor 1: bytes and WebSocket messages. One connection, no time."""

from holdfast.wire.deflate import Deflater
from holdfast.wire.deflated_reader import DeflatedReader
from holdfast.wire.fast import client_frame
from holdfast.wire.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    RSV1,
    TEXT,
    MaskSource,
    check_close,
    close_payload,
    server_frame,
)
from holdfast.wire.handshake import NONCE_SIZE, Accepted, ClientHandshake
from holdfast.wire.negotiation import Agreement
from holdfast.wire.reader import CloseFrame, Control, FrameReader, PingFrame, PongFrame, Violation

__all__ = [
    "BINARY",
    "CLOSE",
    "NONCE_SIZE",
    "PING",
    "PONG",
    "RSV1",
    "TEXT",
    "Accepted",
    "Agreement",
    "ClientHandshake",
    "CloseFrame",
    "Control",
    "DeflatedReader",
    "Deflater",
    "FrameReader",
    "MaskSource",
    "PingFrame",
    "PongFrame",
    "Violation",
    "check_close",
    "client_frame",
    "close_payload",
    "server_frame",
]
