"""Compressed messages as a server sends them, by zlib itself: well-formed, broken, and as bombs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from helpers.frames import CONTINUATION, binaries, controls, messages, server_frame, texts
from holdfast.wire import BINARY, TEXT, Agreement

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4  # of the three RSV bits, as `server_frame` takes them
BOTH = (Agreement(), Agreement(server_no_context_takeover=True))


class Compressor:
    """A server's: with context from message to message, or without."""

    def __init__(
        self, agreement: Agreement = BOTH[0], level: int = 6, bits: int = 15, strategy: int = zlib.Z_DEFAULT_STRATEGY
    ) -> None:
        self._settings = (level, zlib.DEFLATED, -bits, 8, strategy)
        self._keeps_context = not agreement.server_no_context_takeover
        self._encoder = zlib.compressobj(*self._settings)

    def payload(self, message: bytes) -> bytes:
        data = self._encoder.compress(message) + self._encoder.flush(zlib.Z_SYNC_FLUSH)
        if not self._keeps_context or not data.endswith(TAIL):
            # Of an empty message behind another zlib makes nothing at all.
            data = data or b"\x00" + TAIL
            self._encoder = zlib.compressobj(*self._settings) if not self._keeps_context else self._encoder
        return data[:-4]

    def frame(self, message: str | bytes) -> bytes:
        """A whole message."""
        opcode, data = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        return server_frame(opcode, self.payload(data), rsv=RSV1)


def deflated(message: str | bytes) -> bytes:
    """A whole message, the first of a connection."""
    return Compressor().frame(message)


def bomb(size: int) -> bytes:
    """A payload that inflates to so many zeros: about a thousandth of it."""
    return Compressor(level=9).payload(bytes(size))


def in_pieces(opcode: int, pieces: Sequence[bytes], between: Sequence[bytes] = ()) -> bytes:
    """A compressed message in several frames, with control frames between; the pieces are of its payload."""
    frames = [server_frame(opcode, pieces[0], rsv=RSV1, fin=len(pieces) == 1)]
    waiting = iter(between)
    for index, piece in enumerate(pieces[1:], start=2):
        frames += [next(waiting, b""), server_frame(CONTINUATION, piece, fin=index == len(pieces))]
    return b"".join(frames)


def cut(payload: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted(place % (len(payload) + 1) for place in cuts)
    return [payload[start:stop] for start, stop in zip([0, *places], [*places, len(payload)], strict=True)]


@dataclass(frozen=True)
class Sent:
    """A stream of frames, and the messages in it. `interrupted`: by control frames within compressed messages."""

    agreement: Agreement
    stream: bytes
    messages: list[str | bytes]
    interrupted: bool = False


@st.composite
def compressed_streams(draw: st.DrawFn) -> Sent:
    """Messages, whole or in pieces, compressed or not, and control frames between and within them."""
    agreement = draw(st.sampled_from(BOTH))
    strategy = draw(st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_FIXED]))
    compressor = Compressor(agreement, draw(st.integers(0, 9)), draw(st.integers(9, 15)), strategy)
    stream, sent, interrupted = b"", [], False
    kinds = st.sampled_from(["compressed", "compressed", "in pieces", "plain", "control"])
    for kind in draw(st.lists(kinds, max_size=8)):
        if kind == "control":
            stream += draw(controls())
            continue
        opcode = draw(st.sampled_from([TEXT, BINARY]))
        data = draw(texts() if opcode == TEXT else binaries())
        sent.append(data.decode() if opcode == TEXT else data)
        if kind == "plain":
            stream += server_frame(opcode, data)
        else:
            cuts = draw(st.lists(st.integers(0, 1 << 16), max_size=4)) if kind == "in pieces" else []
            between = draw(st.lists(controls(), max_size=3)) if cuts else []
            interrupted = interrupted or bool(between)
            stream += in_pieces(opcode, cut(compressor.payload(data), cuts), between)
    return Sent(agreement, stream, sent, interrupted)


@st.composite
def mutated_compressed_streams(draw: st.DrawFn) -> Sent:
    """Some bytes were changed, inserted or lost; nobody knows what the messages are."""
    sent = draw(compressed_streams())
    stream = bytearray(sent.stream or deflated("x"))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(len(stream) - 1, 300)))
        value = draw(st.integers(0, 255))
        kind = draw(st.sampled_from(["change", "insert", "lose"]))
        if kind == "change":
            stream[at] = value
        elif kind == "insert":
            stream.insert(at, value)
        elif len(stream) > 1:
            del stream[at]
    return Sent(sent.agreement, bytes(stream), [])


@st.composite
def garbage_that_is_compressed(draw: st.DrawFn) -> Sent:
    """Random payloads in sound frames, so that they reach deep into zlib; also behind a good message."""
    agreement = draw(st.sampled_from(BOTH))
    stream = Compressor(agreement).frame("something to refer to " * 3) if draw(st.booleans()) else b""
    for _ in range(draw(st.integers(1, 3))):
        # The first byte names the kind of the first block: final or not, stored, fixed or with codes of its own.
        payload = bytes([draw(st.integers(0, 7)) | draw(st.integers(0, 31)) << 3]) + draw(st.binary(max_size=60))
        cuts = draw(st.lists(st.integers(0, 60), max_size=2))
        stream += in_pieces(draw(st.sampled_from([TEXT, BINARY])), cut(payload, cuts))
    plain = draw(messages()) if draw(st.booleans()) else b""
    return Sent(agreement, stream + plain, [])
