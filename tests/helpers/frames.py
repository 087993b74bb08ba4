"""Frames as a server sends them, well-formed or not, and the many ways to cut a stream of them into chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from struct import pack

from hypothesis import strategies as st

from holdfast.wire import BINARY, CLOSE, PING, PONG, TEXT

CONTINUATION = 0x0
# Around every change of the length's form (RFC 6455 section 5.2).
EDGE_SIZES = (0, 1, 125, 126, 127, 65535, 65536)
MINIMAL, MEDIUM, LONG = 0, 2, 8  # bytes of the extended length


def server_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    form: int | None = None,
    announced: int | None = None,
) -> bytes:
    """One frame. `rsv`: 0 to 7; `form`: bytes of the extended length (None: as few as do); `announced`: a lie."""
    size = len(payload) if announced is None else announced
    if form is None:
        form = MINIMAL if size < 126 else MEDIUM if size < 65536 else LONG
    masked = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == MINIMAL:
        head += bytes([masked | size])
    elif form == MEDIUM:
        head += pack("!BH", masked | 126, size)
    else:
        head += pack("!BQ", masked | 127, size)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def close_body(code: int, reason: str = "") -> bytes:
    return pack("!H", code) + reason.encode()


def fragmented(opcode: int, pieces: Sequence[bytes], between: Sequence[bytes] = ()) -> bytes:
    """A message in pieces; `between`: whole control frames, one in front of each continuation, while they last."""
    frames = [server_frame(opcode, pieces[0], fin=len(pieces) == 1)]
    controls = iter(between)
    for index, piece in enumerate(pieces[1:], start=2):
        frames += [next(controls, b""), server_frame(CONTINUATION, piece, fin=index == len(pieces))]
    return b"".join(frames)


def chunked(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """The data in chunks of these sizes, over and over; never an empty one."""
    start = 0
    for size in cycle(sizes):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


def chunk_sizes() -> st.SearchStrategy[list[int]]:
    """Sizes for `chunked`: read boundaries fall inside headers, inside payloads, between frames."""
    size = st.one_of(st.integers(1, 14), st.sampled_from([64, 125, 126, 127, 1000, 4096, 65535, 65536, 200_000]))
    return st.lists(size, min_size=1, max_size=8)


# Characters of one to four bytes, line ends (which text buffers may alter) and NUL.
_ALPHABET = st.sampled_from("az\r\n\x00é߿ࠀ\u2028\uffff\U0001f600\U0010ffff")


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """UTF-8 of an interesting size."""
    size = draw(st.one_of(st.integers(0, 40), st.sampled_from(EDGE_SIZES)))
    unit = draw(st.text(_ALPHABET, min_size=1, max_size=12)).encode()
    whole = (unit * (size // len(unit) + 1))[:size].decode("utf-8", "ignore").encode()
    return whole + b"." * (size - len(whole))


@st.composite
def binaries(draw: st.DrawFn) -> bytes:
    size = draw(st.one_of(st.integers(0, 40), st.sampled_from(EDGE_SIZES)))
    return (draw(st.binary(min_size=1, max_size=16)) * (size + 1))[:size]


@st.composite
def controls(draw: st.DrawFn) -> bytes:
    """A ping or a pong."""
    payload = draw(st.one_of(st.binary(max_size=8), st.just(b"p" * 125)))
    return server_frame(draw(st.sampled_from([PING, PONG])), payload)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """One message: whole, or in pieces (also empty ones) with control frames between."""
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    payload = draw(texts() if opcode == TEXT else binaries())
    if draw(st.booleans()):
        return server_frame(opcode, payload)
    cuts = sorted(draw(st.lists(st.integers(0, min(len(payload), 300)), max_size=5)))
    pieces = [payload[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    return fragmented(opcode, pieces, draw(st.lists(controls(), max_size=3)))


SENDABLE_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999)


@st.composite
def closes(draw: st.DrawFn) -> bytes:
    """A close frame: empty, with a code, with code and reason."""
    if draw(st.booleans()):
        return server_frame(CLOSE)
    reason = draw(st.sampled_from(["", "bye", "é" * 61]))
    return server_frame(CLOSE, close_body(draw(st.sampled_from(SENDABLE_CODES)), reason))


def valid_streams() -> st.SearchStrategy[list[bytes]]:
    """Frames of an open connection, as a list to be joined; perhaps with a close at the end."""
    flowing = st.lists(st.one_of(messages(), messages(), controls()), max_size=6)
    return st.builds(lambda frames, end: frames + end, flowing, st.lists(closes(), max_size=1))


@st.composite
def invalid_frames(draw: st.DrawFn) -> bytes:
    """Something that RFC 6455 forbids, each rule on its own."""
    payload = draw(st.binary(max_size=10))
    return draw(
        st.sampled_from(
            [
                server_frame(TEXT, b"rsv", rsv=draw(st.integers(1, 7))),
                server_frame(PING, b"rsv", rsv=draw(st.integers(1, 7))),
                server_frame(draw(st.sampled_from([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])), payload),
                server_frame(draw(st.sampled_from([TEXT, BINARY, PING, CLOSE])), payload, mask=b"mask"),
                server_frame(TEXT, b"a" * 125, form=MEDIUM),
                server_frame(BINARY, payload, form=LONG),
                server_frame(TEXT, b"a" * 65535, form=LONG),
                server_frame(TEXT, b"\xff"),
                server_frame(TEXT, b"cut \xe2\x82"),
                server_frame(TEXT, b"\xed\xa0\x80"),
                fragmented(TEXT, [b"\xe2", b"\x28\xa1"]),
                fragmented(TEXT, [b"\xf0\x9f", b"", b"\x98"]),
                fragmented(TEXT, [b"one", b""], [server_frame(TEXT, b"two")]),
                server_frame(TEXT, b"never ends", fin=False) + server_frame(BINARY, b"", fin=True),
                server_frame(CONTINUATION, payload),
                server_frame(CONTINUATION, payload, fin=False),
                server_frame(PING, b"a", fin=False),
                server_frame(PONG, b"a" * 126),
                server_frame(PING, b"a" * 10, form=MEDIUM),
                server_frame(CLOSE, b"\x03"),
                server_frame(CLOSE, close_body(draw(st.sampled_from([0, 999, 1004, 1005, 1006, 1015, 2999, 5000])))),
                server_frame(CLOSE, close_body(1000) + b"\xff"),
                server_frame(BINARY, form=LONG, announced=1 << 63),
            ]
        )
    )


@st.composite
def broken_streams(draw: st.DrawFn) -> bytes:
    """Valid frames, one thing that is forbidden, and what might be read behind it."""
    before, after = draw(st.lists(messages(), max_size=2)), draw(st.lists(messages(), max_size=1))
    return b"".join([*before, draw(invalid_frames()), *after])


@st.composite
def mutated_streams(draw: st.DrawFn) -> bytes:
    """A stream in which some bytes were changed, inserted or lost."""
    stream = bytearray(b"".join(draw(valid_streams())) or b"\x81\x00")
    for _ in range(draw(st.integers(1, 4))):
        # Most of it in front, where the headers of short frames are.
        at = draw(st.integers(0, min(len(stream) - 1, 200)))
        value = draw(st.integers(0, 255))
        kind = draw(st.sampled_from(["change", "insert", "lose"]))
        if kind == "change":
            stream[at] = value
        elif kind == "insert":
            stream.insert(at, value)
        elif len(stream) > 1:
            del stream[at]
    return bytes(stream)
