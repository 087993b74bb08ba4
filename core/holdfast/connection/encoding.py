"""A message as a frame carries it."""

from __future__ import annotations

from holdfast.errors import LocalProtocolError
from holdfast.wire import BINARY, TEXT


def encode(message: str | bytes) -> tuple[int, bytes]:
    """Opcode and payload of a message. Raises LocalProtocolError for what is neither text nor bytes."""
    if isinstance(message, str):
        try:
            return TEXT, message.encode()
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"this text has no UTF-8 form ({error.reason}): send bytes instead") from None
    if isinstance(message, bytes | bytearray | memoryview):
        return BINARY, bytes(message)
    raise LocalProtocolError(f"cannot send {type(message).__name__}: messages are str (text) or bytes (binary)")


def size_of(message: str | bytes) -> int:
    """Bytes of the payload of a message that was received."""
    return len(message) if isinstance(message, bytes) else len(message.encode())
