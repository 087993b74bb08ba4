"""The frame reader must find in any bytes what wsproto and websockets find in them, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.frames import (
    EDGE_SIZES,
    LONG,
    MEDIUM,
    broken_streams,
    chunk_sizes,
    chunked,
    fragmented,
    mutated_streams,
    server_frame,
    valid_streams,
)
from helpers.reading import Reading, read_by_holdfast, read_by_websockets, read_by_wsproto
from holdfast.wire import BINARY, CLOSE, PING, TEXT, CloseFrame, FrameReader

SMALL = 3000  # bytes; streams up to this size are also read byte by byte
BAD_GATEWAY = (1014).to_bytes(2, "big")
UNFINISHED = 70_000  # bytes that complete any frame of up to 64 KiB


def in_all_cuts(stream: bytes, sizes: list[int]) -> Reading:
    """What the reader found, which must not depend on the chunks."""
    whole = read_by_holdfast([stream]) if stream else Reading()
    assert read_by_holdfast(chunked(stream, sizes)) == whole
    if len(stream) <= SMALL:
        assert read_by_holdfast(chunked(stream, [1])) == whole
    return whole


def assert_agrees(stream: bytes, ours: Reading) -> None:
    """The same as wsproto, but for two freedoms.

    A length beyond the limit is refused from its header (1009), where wsproto would wait. And a whole frame is judged
    when it is whole: wsproto may already have seen what is wrong with the beginning of the last one.
    """
    assume(BAD_GATEWAY not in stream)  # a close code that wsproto does not know
    reference = read_by_wsproto(stream)
    assert ours.messages == reference.messages
    assert ours.controls == reference.controls
    if ours.violation is None and reference.violation is not None:
        completed = read_by_holdfast([stream + bytes(UNFINISHED)])
        assert completed.violation in (reference.violation, 1009, None)
    elif ours.violation != 1009:
        assert ours.violation == reference.violation


@given(valid_streams(), chunk_sizes())
def test_valid_streams_mean_the_same_to_both_references(frames: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(frames)
    ours = in_all_cuts(stream, sizes)
    assert ours == read_by_wsproto(stream)
    assert ours == read_by_websockets(stream)


@given(broken_streams(), chunk_sizes())
def test_what_is_forbidden_is_found_where_wsproto_finds_it(stream: bytes, sizes: list[int]) -> None:
    ours = in_all_cuts(stream, sizes)
    assert_agrees(stream, ours)
    assert ours.violation is not None


@given(mutated_streams(), chunk_sizes())
def test_mutated_streams_break_nothing(stream: bytes, sizes: list[int]) -> None:
    assert_agrees(stream, in_all_cuts(stream, sizes))


@given(st.binary(max_size=400), chunk_sizes())
def test_garbage_breaks_nothing(stream: bytes, sizes: list[int]) -> None:
    assert_agrees(stream, in_all_cuts(stream, sizes))


@given(st.sampled_from([TEXT, BINARY]), st.binary(min_size=1, max_size=30), st.binary(max_size=60))
def test_a_few_random_bytes_behind_every_kind_of_start(opcode: int, start: bytes, rest: bytes) -> None:
    """Short frames everywhere, so that random bytes reach deep into the grammar."""
    stream = server_frame(opcode, b"", fin=False) + bytes([start[0] & 0x8F, len(start) - 1]) + start[1:] + rest
    assert_agrees(stream, in_all_cuts(stream, [1, 3]))


@pytest.mark.parametrize(
    "end", [server_frame(CLOSE), server_frame(TEXT, b"\xff"), server_frame(3), fragmented(TEXT, [b"\xff", b""])]
)
def test_nothing_is_read_behind_the_end(end: bytes) -> None:
    reader = FrameReader(1000)
    messages: list[str | bytes] = []
    assert len(reader.receive(end + server_frame(TEXT, b"late") + server_frame(PING), messages)) == 1
    assert reader.receive(server_frame(TEXT, b"later") + server_frame(PING), messages) == []
    assert messages == []


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(("size", "form"), [(0, MEDIUM), (125, MEDIUM), (0, LONG), (126, LONG), (65535, LONG)])
def test_a_length_that_has_a_shorter_form_is_a_violation(opcode: int, size: int, form: int) -> None:
    frame = server_frame(opcode, b"x" * size, form=form)
    for reading in (
        read_by_holdfast([frame]),
        read_by_holdfast([frame + frame]),
        read_by_holdfast(chunked(frame, [1])),
    ):
        assert reading == Reading(violation=1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", EDGE_SIZES)
def test_every_form_of_length_is_read(opcode: int, size: int) -> None:
    frame = server_frame(opcode, b"x" * size)
    for chunks in ([frame * 3], chunked(frame * 3, [3, 1000])):
        assert [len(message) for message in read_by_holdfast(chunks).messages] == [size] * 3


def test_messages_before_a_violation_are_kept() -> None:
    reading = read_by_holdfast(
        [server_frame(TEXT, b"good") + server_frame(BINARY, b"\x00") + server_frame(TEXT, b"\xff")]
    )
    assert reading.messages == ["good", b"\x00"]
    assert reading.violation == 1007


def test_a_violation_says_the_same_however_the_bytes_are_cut() -> None:
    stream = fragmented(TEXT, [b"0123456789\xff", b""])
    whole = FrameReader(1000).receive(stream, [])
    reader = FrameReader(1000)
    assert [control for byte in stream for control in reader.receive(bytes([byte]), [])] == whole


@pytest.mark.parametrize(
    "code",
    [
        1000,
        1012,
        1013,
        1014,
        3000,
        4999,
    ],
)
def test_close_codes_are_read(code: int) -> None:
    reading = read_by_holdfast([server_frame(CLOSE, code.to_bytes(2, "big") + "früh".encode())])
    assert reading.controls == [CloseFrame(code, "früh")]
