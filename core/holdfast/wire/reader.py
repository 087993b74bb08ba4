"""Frames as they arrive: one tight loop for what feeds send all day, wsproto for the rest.

A feed is almost wholly whole, unmasked, uncompressed data frames. The loop (`loops.py`, or compiled) slices these out
of the chunk without another object than the message. Whole pings and pongs are taken here. The boundaries of all other
frames (fragments, close, anything invalid) are found here too, so that wsproto is given exactly those frames and is
between frames whenever the loop takes over again.
"""

from __future__ import annotations

from io import BytesIO, StringIO

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from holdfast.records import dataclass
from holdfast.wire import fast
from holdfast.wire.deflate import InflateError
from holdfast.wire.frames import BINARY, CLOSE, MAX_CONTROL_PAYLOAD, PING, PONG, TEXT, server_frame

_BAD_GATEWAY = 1014
_TOO_BIG = 1009
_BAD_TEXT = 1007
_PINGS = (0x80 | PING, 0x80 | PONG)


@dataclass(frozen=True, slots=True)
class PingFrame:
    """To be answered with the same payload (RFC 6455 section 5.5.2)."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class PongFrame:
    """The answer to a ping of ours, or an unsolicited one."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """The peer's close frame; code 1005 stands for an empty one. Nothing after it is read."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The bytes break the protocol or a limit: to be answered with this close code. Nothing after it is read."""

    code: int
    detail: str


Control = PingFrame | PongFrame | CloseFrame | Violation


class FrameReader:
    """Bytes in, messages out. `receive` may be given any chunks; messages do not depend on where they are cut."""

    __slots__ = (
        "_body",
        "_body_missing",
        "_body_opcode",
        "_ended",
        "_fragments",
        "_fragments_size",
        "_head",
        "_limit",
        "_max_size",
        "_rare_missing",
        "_wsproto",
        "held",
    )
    # The hot loop: takes the data frames that lie whole in the chunk; where the first other thing begins.
    _whole_frames = staticmethod(fast.whole_frames)
    grown = 0  # bytes by which compressed messages were longer than on the wire, all in all

    def __init__(self, max_message_size: int) -> None:
        self._max_size = max_message_size
        self._limit = min(max_message_size, 0xFFFF)  # of the loop
        self._wsproto: Connection | None = None  # made when something rare comes: it is large
        self._head = b""  # an incomplete frame header, or a small frame cut by the end of a chunk
        self._body = bytearray()  # the payload so far of a frame that spans chunks
        self._body_missing = 0
        self._body_opcode = TEXT
        self._rare_missing = 0  # bytes of a frame of wsproto's that are still to come
        self._fragments: StringIO | BytesIO | None = None  # the message in pieces that wsproto is in the middle of
        self._fragments_size = 0  # as announced by the headers so far, in bytes
        self._ended = False
        self.held = 0  # bytes of messages that are not complete yet

    def receive(self, data: bytes, messages: list[str | bytes]) -> list[Control]:
        """Append the messages that these bytes complete; return the control frames among them, in order."""
        controls: list[Control] = []
        size = len(data)
        pos = 0
        if self._ended:
            return controls
        in_frame = True
        if self._body_missing:
            pos = self._continue_body(data, messages, controls)
        elif self._rare_missing:
            pos = self._give_wsproto(data, 0, min(size, self._rare_missing), messages, controls)
        elif self._head:
            data = self._head + data
            size = len(data)
            self._head = b""
        else:
            in_frame = False
        while pos < size and not self._ended:
            if self._fragments is None:
                try:
                    pos = self._whole_frames(data, pos, self._limit, messages)
                except UnicodeDecodeError:
                    self._fail_for_text(controls)
                    break
                except InflateError as error:
                    self._fail(controls, error.code, error.detail)
                    break
            if pos < size:
                in_frame = True
                pos = self._other_frame(data, pos, size, messages, controls)
        if in_frame:
            self.held = self._count_held()
        return controls

    def _count_held(self) -> int:
        return len(self._head) + len(self._body) + self._fragments_size

    def _other_frame(
        self, data: bytes, pos: int, size: int, messages: list[str | bytes], controls: list[Control]
    ) -> int:
        """One frame that the loop left: cut by the chunk's end, long, rare or wrong. Returns the position after it."""
        head_size, length = frame_sizes(data, pos, size)
        if size - pos < head_size:
            self._head = data[pos:]
            return size
        first = data[pos]
        if first in _PINGS and length <= MAX_CONTROL_PAYLOAD and size - pos >= 2 + length and is_sound(data, pos):
            # As a quiet feed's connection has nothing else all day; and a frame for itself, whatever it interrupts.
            payload = data[pos + 2 : pos + 2 + length]
            controls.append(PingFrame(payload) if first == 0x80 | PING else PongFrame(payload))
            return pos + 2 + length
        if not first & 0x8 and length + self._fragments_size > self._max_size:
            whole = length + self._fragments_size
            self._fail(controls, _TOO_BIG, f"a message of at least {whole} bytes; max_message_size is {self._max_size}")
            return size
        whole = self._fragments is None and first in (0x80 | TEXT, 0x80 | BINARY) and is_sound(data, pos)
        if whole or (first == 0x80 | CLOSE and data[pos + 1] <= MAX_CONTROL_PAYLOAD):
            self._body_opcode = first & 0x0F
            self._body_missing = length
            start = pos + head_size
            return start + self._continue_body(data[start : start + length], messages, controls)
        if not first & 0x8:
            self._fragments_size += length
        self._rare_missing = head_size + length
        stop = min(size, pos + head_size + length)
        return self._give_wsproto(data, pos, stop, messages, controls)

    def _continue_body(self, data: bytes, messages: list[str | bytes], controls: list[Control]) -> int:
        """Take what belongs to the frame in progress; returns how much of `data` that was."""
        taken = min(len(data), self._body_missing)
        self._body += data[:taken] if taken < len(data) else data
        self._body_missing -= taken
        if not self._body_missing:
            body, self._body = self._body, bytearray()
            try:
                if self._body_opcode == TEXT:
                    messages.append(body.decode())
                elif self._body_opcode == BINARY:
                    messages.append(bytes(body))
                else:
                    self._read_close(bytes(body), messages, controls)
            except UnicodeDecodeError:
                self._fail_for_text(controls)
        return taken

    def _read_close(self, body: bytes, messages: list[str | bytes], controls: list[Control]) -> None:
        """To wsproto, which knows what codes a peer may send; but not 1014, bad gateway, which was registered later."""
        if body[:2] == _BAD_GATEWAY.to_bytes(2, "big"):
            self._ended = True
            controls.append(CloseFrame(_BAD_GATEWAY, body[2:].decode()))
        else:
            frame = server_frame(CLOSE, body)
            self._rare_missing = len(frame)
            self._give_wsproto(frame, 0, len(frame), messages, controls)

    def _give_wsproto(
        self, data: bytes, pos: int, stop: int, messages: list[str | bytes], controls: list[Control]
    ) -> int:
        """Let wsproto have `data[pos:stop]`, which lies within one frame; returns `stop`."""
        self._rare_missing -= stop - pos
        wsproto = self._wsproto
        if wsproto is None:
            wsproto = self._wsproto = Connection(ConnectionType.CLIENT)
        wsproto.receive_data(data[pos:stop])
        for event in wsproto.events():
            if isinstance(event, TextMessage | BytesMessage):
                self._add_fragment(event, messages)
            elif isinstance(event, Ping):
                controls.append(PingFrame(bytes(event.payload)))
            elif isinstance(event, Pong):
                controls.append(PongFrame(bytes(event.payload)))
            elif isinstance(event, CloseConnection):
                # wsproto reports what it cannot parse as a close too, and then stays in state OPEN, deaf.
                if wsproto.state is not ConnectionState.OPEN:
                    self._ended = True
                    controls.append(CloseFrame(int(event.code), event.reason or ""))
                elif event.code == _BAD_TEXT:
                    self._fail_for_text(controls)
                else:
                    self._fail(controls, int(event.code), event.reason or "invalid frame")
        return stop

    def _add_fragment(self, event: TextMessage | BytesMessage, messages: list[str | bytes]) -> None:
        # Buffers, not lists of pieces: a message of one-byte fragments must not cost fifty times its size.
        if self._fragments is None:
            self._fragments = StringIO(newline="") if isinstance(event, TextMessage) else BytesIO()
        self._fragments.write(event.data)  # type: ignore[arg-type]  # all pieces of a message are of one type
        if event.message_finished:
            messages.append(self._fragments.getvalue())
            self._fragments = None
            self._fragments_size = 0

    def _fail_for_text(self, controls: list[Control]) -> None:
        self._fail(controls, _BAD_TEXT, "text is not UTF-8")  # where it stands depends on how the bytes were cut

    def _fail(self, controls: list[Control], code: int, detail: str) -> None:
        self._ended = True
        self._body = bytearray()
        self._fragments = None
        controls.append(Violation(code, detail))


def frame_sizes(data: bytes, pos: int, size: int) -> tuple[int, int]:
    """Bytes of the header at `pos`, and of the payload it announces: 0 as long as the header is not whole."""
    available = size - pos
    if available < 2:
        return 2, 0
    length = data[pos + 1] & 0x7F
    extended = 2 if length == 126 else 8 if length == 127 else 0
    head_size = 2 + extended + (4 if data[pos + 1] & 0x80 else 0)
    if available < head_size:
        return head_size, 0
    return head_size, int.from_bytes(data[pos + 2 : pos + 2 + extended], "big") if extended else length


def is_sound(data: bytes, pos: int) -> bool:
    """Whether a header has no mask, and its length the shortest form; wsproto knows what to say if not."""
    form = data[pos + 1]
    if form == 126:
        return int.from_bytes(data[pos + 2 : pos + 4], "big") > 125
    if form == 127:
        return 0xFFFF < int.from_bytes(data[pos + 2 : pos + 10], "big") < 1 << 63
    return form < 126
