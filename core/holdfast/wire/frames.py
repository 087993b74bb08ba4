"""What goes into frames that are sent (RFC 6455 section 5); a client's are made in `loops.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import iter_unpack, pack
from typing import cast

from holdfast.errors import LocalProtocolError
from holdfast.wire.loops import frame_head

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA
FIN, RSV, OPCODE = 0x80, 0x70, 0x0F  # the parts of a frame's first byte
RSV1 = 0x40  # with the opcode: the message is compressed (RFC 7692 section 6)
MAX_CONTROL_PAYLOAD = 125

# Codes that an endpoint may put into a close frame (RFC 6455 section 7.4, and 1012 to 1014 of the registry).
_SENDABLE_CODES = frozenset({*range(1000, 1004), *range(1007, 1015)})


class MaskSource:
    """Masks cut from larger draws of entropy: one system call serves many frames."""

    __slots__ = ("_entropy", "_masks")
    _BLOCK = 128  # bytes; every feed holds one

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._masks: Iterator[tuple[bytes]] = iter(())

    def __call__(self) -> bytes:
        for (mask,) in self._masks:
            return mask
        self._masks = iter_unpack("4s", self._entropy(self._BLOCK))
        return self()


def server_frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame as a server sends it, without a mask; for simulated servers."""
    return frame_head(opcode, 0, len(payload)) + payload


def close_payload(code: int | None, reason: str = "") -> bytes:
    """The body of a close frame; None stands for an empty one."""
    return b"" if code is None else pack("!H", code) + cut_utf8(reason, MAX_CONTROL_PAYLOAD - 2)


def check_close(code: int, reason: str) -> None:
    """Raise LocalProtocolError for a code that an endpoint may not send, and for a reason that is no text."""
    if not isinstance(cast(object, reason), str):
        raise LocalProtocolError(f"close reason {reason!r} is no text")
    if not isinstance(cast(object, code), int):
        raise LocalProtocolError(f"close code {code!r} is no whole number: use 1000, 1001 or 3000 to 4999")
    if code not in _SENDABLE_CODES and not 3000 <= code <= 4999:
        raise LocalProtocolError(f"close code {code} may not be sent: use 1000, 1001 or 3000 to 4999")


def cut_utf8(text: str, size: int) -> bytes:
    """The text in UTF-8, cut to at most `size` bytes between characters."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore").encode()
