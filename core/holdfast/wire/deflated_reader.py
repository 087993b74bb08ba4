"""Frames as they arrive where compression was agreed on (RFC 7692): the reader, and compressed messages besides.

Whole compressed messages have a loop like that of the others. Those in several frames, or cut by the end of a chunk,
are inflated as they come. wsproto sees none of these frames and knows of no compression: to it RSV1 is a violation,
and so it is in every frame that is left to it.
"""

from __future__ import annotations

from struct import Struct

from holdfast.wire import fast
from holdfast.wire.deflate import InflateError, Inflater
from holdfast.wire.frames import BINARY, CONTINUATION, FIN, OPCODE, RSV, RSV1, TEXT
from holdfast.wire.negotiation import Agreement
from holdfast.wire.reader import Control, FrameReader, frame_sizes, is_sound

_unpack = Struct("!BBH").unpack_from  # the first two bytes of a frame, and the length that may follow

# The first byte of a whole compressed message.
_TEXT, _BINARY = FIN | RSV1 | TEXT, FIN | RSV1 | BINARY
_COMPRESSED = RSV1  # as opcode of the frame in progress
_PROTOCOL_ERROR = 1002


class DeflatedReader(FrameReader):
    """The same as its base, and compressed messages."""

    __slots__ = ("_inflated", "_inflater", "_is_last", "_opcode", "grown")

    def __init__(self, max_message_size: int, agreement: Agreement) -> None:
        super().__init__(max_message_size)
        self._inflater = Inflater(agreement, max_message_size)
        self._inflated: bytearray | None = None  # what came so far of a compressed message that is not whole
        self._opcode = TEXT  # of that message
        self._is_last = False  # whether the frame of it that is being read is the last
        self.grown = 0

    def _count_held(self) -> int:
        return super()._count_held() + len(self._inflated or b"")

    def _whole_frames(self, data: bytes, pos: int, limit: int, messages: list[str | bytes]) -> int:
        size = len(data)
        before = -1
        while before < pos < size and self._inflated is None:
            before = pos
            pos = self._whole_compressed_frames(data, pos, size, messages)
            if pos < size:
                pos = fast.whole_frames(data, pos, limit, messages)
        return pos

    def _whole_compressed_frames(self, data: bytes, pos: int, size: int, messages: list[str | bytes]) -> int:
        """The hot loop once more. The length on the wire is no limit here: the inflater looks at what comes out."""
        unpack = _unpack
        append = messages.append
        inflate = self._inflater.whole
        last = size - 4
        grown = 0
        try:
            while pos <= last:
                first, form, length = unpack(data, pos)
                if first != _TEXT and first != _BINARY:  # a tuple would be made every time
                    break
                if form < 126:
                    start = pos + 2
                    length = form
                elif form == 126 and length > 125:
                    start = pos + 4
                else:
                    break
                stop = start + length
                if stop > size:
                    break
                message = inflate(data[start:stop])
                append(message.decode() if first == _TEXT else message)
                grown += len(message) - length
                pos = stop
        finally:
            self.grown += grown
        return pos

    def _other_frame(
        self, data: bytes, pos: int, size: int, messages: list[str | bytes], controls: list[Control]
    ) -> int:
        first = data[pos]
        opcode = first & OPCODE
        if self._inflated is None:
            ours = self._fragments is None and first & RSV == RSV1 and opcode in (TEXT, BINARY)
        elif opcode in (TEXT, BINARY):
            self._fail(controls, _PROTOCOL_ERROR, "a message began within another")
            return size
        else:
            ours = opcode == CONTINUATION and not first & RSV
        head_size, length = frame_sizes(data, pos, size)
        if not ours or size - pos < head_size or not is_sound(data, pos):
            return super()._other_frame(data, pos, size, messages, controls)
        if self._inflated is None:
            self._inflated = bytearray()
            self._opcode = opcode
        self._is_last = bool(first & FIN)
        self._body_opcode = _COMPRESSED
        self._body_missing = length
        start = pos + head_size
        return start + self._continue_body(data[start : start + length], messages, controls)

    def _continue_body(self, data: bytes, messages: list[str | bytes], controls: list[Control]) -> int:
        if self._body_opcode != _COMPRESSED:
            return super()._continue_body(data, messages, controls)
        taken = min(len(data), self._body_missing)
        self._body_missing -= taken
        message = self._inflated
        assert message is not None
        before = len(message)
        try:
            self._inflater.piece(data[:taken], message)
            if self._is_last and not self._body_missing:
                self._inflater.end(message)
                messages.append(message.decode() if self._opcode == TEXT else bytes(message))
                self._inflated = None
        except InflateError as error:
            self._fail(controls, error.code, error.detail)
        except UnicodeDecodeError:
            self._fail_for_text(controls)
        self.grown += len(message) - before - taken
        return taken

    def _fail(self, controls: list[Control], code: int, detail: str) -> None:
        super()._fail(controls, code, detail)
        self._inflated = None
