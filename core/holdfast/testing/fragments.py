"""Messages in several frames (RFC 6455 section 5.4), as a server may send them."""

from __future__ import annotations

from holdfast.wire import server_frame

_CONTINUATION = 0x0
_FIN = 0x80


def fragmented_frames(fragments: int, opcode: int, payload: bytes) -> bytes:
    """A message in so many frames, all but the last without FIN. They are cut without regard to characters.

    A payload of fewer bytes gives empty frames too.
    """
    cuts = [len(payload) * number // fragments for number in range(fragments + 1)]
    frames = [
        bytearray(server_frame(_CONTINUATION if begin else opcode, payload[cuts[begin] : cuts[begin + 1]]))
        for begin in range(fragments)
    ]
    for frame in frames[:-1]:
        frame[0] &= ~_FIN
    return b"".join(frames)
