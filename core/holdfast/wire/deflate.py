"""The payloads of permessage-deflate (RFC 7692 section 7.2), on zlib: bounded inflating, and deflating."""

from __future__ import annotations

import zlib

from holdfast.settings import Deflate
from holdfast.wire.negotiation import Agreement

_TAIL = b"\x00\x00\xff\xff"  # left out behind every message
_STEP = 64 * 1024  # bytes that go into zlib, or come out of it, at once
# Whatever window was agreed on: with a smaller one zlib refuses a reference that reaches too far back only if the
# bytes happen to be cut behind its target, and what is read must not depend on that.
_INFLATE_BITS = -15
_MAX_STREAMS = 16
_TOO_BIG = 1009
_BAD_DATA = 1007


class InflateError(Exception):
    """A message cannot be inflated: to be answered with this close code."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Inflater:
    """What a server compressed. Each message is given whole, or in pieces; it may have `max_size` bytes inflated."""

    __slots__ = ("_decoder", "_keeps_context", "_max_size", "_streams", "_whole_room")

    def __init__(self, agreement: Agreement, max_size: int) -> None:
        self._keeps_context = not agreement.server_no_context_takeover
        self._max_size = max_size
        self._whole_room = min(max_size + 1, _STEP)
        self._decoder = zlib.decompressobj(_INFLATE_BITS)
        self._streams = 0  # that ended in the message so far

    def whole(self, payload: bytes) -> bytes:
        """A message of one piece. Raises InflateError."""
        decoder, room = self._decoder, self._whole_room
        try:
            message = decoder.decompress(payload + _TAIL, room)
            if len(message) == room or decoder.eof:
                longer = bytearray()
                self._inflate(self._take(message, room, longer), longer)
                message = bytes(longer)
        except zlib.error as error:
            raise _broken(error) from None
        if self._streams or not self._keeps_context:
            self._forget()
        return message

    def piece(self, payload: bytes, message: bytearray) -> None:
        """Append what comes of a piece. Raises InflateError."""
        try:
            # What zlib has no room for it copies: of a large piece that would be many large copies.
            for start in range(0, len(payload), _STEP):
                self._inflate(payload[start : start + _STEP], message)
        except zlib.error as error:
            raise _broken(error) from None

    def end(self, message: bytearray) -> None:
        """Append what comes of the end of a message that was given in pieces. Raises InflateError."""
        self.piece(_TAIL, message)
        self._forget()

    def _inflate(self, data: bytes | None, message: bytearray) -> None:
        while data is not None:
            room = min(self._max_size + 1 - len(message), _STEP)
            data = self._take(self._decoder.decompress(data, room), room, message)

    def _take(self, piece: bytes, room: int, message: bytearray) -> bytes | None:
        """Append what came out of zlib; returns what is to go in next, None if it took all and held nothing back."""
        message += piece
        if len(message) > self._max_size:
            raise InflateError(_TOO_BIG, f"a message inflates beyond max_message_size, {self._max_size} bytes")
        decoder = self._decoder
        if decoder.eof:  # a final block may stand anywhere (RFC 7692 section 7.2.3.5), and begins a new stream
            self._streams += 1
            if self._streams > _MAX_STREAMS:  # each costs work that does not depend on its size
                raise InflateError(_BAD_DATA, f"more than {_MAX_STREAMS} deflate streams in a message")
            self._decoder = zlib.decompressobj(_INFLATE_BITS)
            return decoder.unused_data
        return decoder.unconsumed_tail if len(piece) == room else None

    def _forget(self) -> None:
        """A message is over."""
        self._streams = 0
        if not self._keeps_context:
            self._decoder = zlib.decompressobj(_INFLATE_BITS)


class Deflater:
    """What we compress. The same messages give the same payloads."""

    __slots__ = ("_encoder", "_keeps_context", "_settings", "_window_bits")

    def __init__(self, agreement: Agreement, settings: Deflate) -> None:
        self._keeps_context = not agreement.client_no_context_takeover
        self._window_bits = agreement.client_max_window_bits
        self._settings = settings
        self._encoder: zlib._Compress | None = None  # made when it is needed: it is large

    def compress(self, payload: bytes) -> bytes | None:
        """The payload of a compressed message; None for one that is to be sent as it is."""
        # A window of 8 bits is more than zlib can do without a header, and nobody has to compress.
        if len(payload) < self._settings.threshold or self._window_bits == 8:
            return None
        encoder = self._encoder or zlib.compressobj(
            self._settings.level, zlib.DEFLATED, -self._window_bits, self._settings.memory_level
        )
        self._encoder = encoder if self._keeps_context else None
        data = encoder.compress(payload) + encoder.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(_TAIL)
        return data[: -len(_TAIL)]


def _broken(error: zlib.error) -> InflateError:
    return InflateError(_BAD_DATA, f"compressed data is broken: {error}")
