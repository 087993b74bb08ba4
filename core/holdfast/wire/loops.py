"""The two loops over bytes, in Python. `fast/` has the same compiled; which of them runs, `fast.py` says."""

from __future__ import annotations

from struct import Struct, pack

_unpack_head_and_length = Struct("!HH").unpack_from

# The first two bytes of a frame, as one number: FIN and opcode, then the length or its form.
_TEXT_SHORT, _TEXT_MEDIUM = 0x8100, 0x817E
_BINARY_SHORT, _BINARY_MEDIUM = 0x8200, 0x827E


def whole_frames(data: bytes, pos: int, limit: int, messages: list[str | bytes]) -> int:
    """Append the data frames that lie whole in `data` from `pos` on; return where the first other thing begins.

    That may be anything rare, a frame that is cut off, or one of more than `limit` bytes, which is at most 65535.
    Raises UnicodeDecodeError; what stood before the text that is not UTF-8 has been appended.
    """
    unpack = _unpack_head_and_length
    append = messages.append
    size = len(data)
    small = min(limit, 125)
    last = size - 4
    while pos <= last:
        head, length = unpack(data, pos)
        if head == _TEXT_MEDIUM:
            start = pos + 4
            stop = start + length
            if stop > size or not 125 < length <= limit:
                break
            append(data[start:stop].decode())
        elif _TEXT_SHORT <= head <= _TEXT_SHORT + small:
            start = pos + 2
            stop = start + (head & 0x7F)
            if stop > size:
                break
            append(data[start:stop].decode())
        elif head == _BINARY_MEDIUM:
            start = pos + 4
            stop = start + length
            if stop > size or not 125 < length <= limit:
                break
            append(data[start:stop])
        elif _BINARY_SHORT <= head <= _BINARY_SHORT + small:
            start = pos + 2
            stop = start + (head & 0x7F)
            if stop > size:
                break
            append(data[start:stop])
        else:
            break
        pos = stop
    return pos


def client_frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One whole frame with FIN set. `opcode` may have RSV1. `mask`: 4 unpredictable bytes (RFC 6455 section 5.3)."""
    size = len(payload)
    return frame_head(opcode, 0x80, size) + mask + xor_masked(payload, mask, size)


def frame_head(opcode: int, masked: int, size: int) -> bytes:
    """The header of a frame with FIN set, but for the mask. `masked`: 0x80, or 0."""
    if size < 126:
        return pack("!BB", 0x80 | opcode, masked | size)
    if size < 65536:
        return pack("!BBH", 0x80 | opcode, masked | 126, size)
    return pack("!BBQ", 0x80 | opcode, masked | 127, size)


def xor_masked(payload: bytes, mask: bytes, size: int) -> bytes:
    """XOR with the mask repeated, as one operation on two long integers."""
    stretched = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(stretched)).to_bytes(size)
