"""Bounds on what the reader accepts and holds: sizes from announced lengths, memory, work."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import CONTINUATION, LONG, chunk_sizes, chunked, fragmented, server_frame
from helpers.reading import read_by_holdfast
from holdfast.wire import BINARY, PING, TEXT, FrameReader, PingFrame, Violation

MIB = 1 << 20
LIMITS = (1, 2, 124, 125, 126, 127, 1000, 65534, 65535, 65536, 65537, 100_000)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("cut", [1, 3, 1 << 20])
def test_a_message_may_be_as_long_as_the_limit_and_not_longer(limit: int, opcode: int, cut: int) -> None:
    fits, too_long = server_frame(opcode, b"m" * limit), server_frame(opcode, b"m" * (limit + 1))
    reading = read_by_holdfast(chunked(fits + fits + too_long, [cut]), limit)
    assert [len(message) for message in reading.messages] == [limit, limit]
    assert reading.violation == 1009


@given(st.sampled_from(LIMITS), st.data(), chunk_sizes())
def test_the_sum_of_fragments_may_be_as_long_as_the_limit_and_not_longer(
    limit: int, data: st.DataObject, sizes: list[int]
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, limit), min_size=1, max_size=4)))
    pieces = [b"m" * (stop - start) for start, stop in zip([0, *cuts], [*cuts, limit], strict=True)]
    pings = [server_frame(PING, b"between, and no part of the message")]
    fits = fragmented(TEXT, pieces, pings)
    too_long = fragmented(TEXT, [*pieces, b"1"], pings)
    reading = read_by_holdfast(chunked(fits + server_frame(BINARY, b"m" * limit) + fits + too_long, sizes), limit)
    assert reading.messages == ["m" * limit, b"m" * limit, "m" * limit]
    assert reading.violation == 1009


@pytest.mark.parametrize("announced", [101, 65536, MIB, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_long_message_is_refused_from_its_header(announced: int) -> None:
    header = server_frame(BINARY, announced=announced)
    (violation,) = FrameReader(100).receive(header, [])
    assert isinstance(violation, Violation)
    assert violation.code == 1009
    assert str(announced) in violation.detail


@pytest.mark.parametrize("announced", [91, 1 << 62])
def test_a_long_fragment_is_refused_from_its_header(announced: int) -> None:
    start = server_frame(BINARY, b"m" * 10, fin=False)
    header = server_frame(CONTINUATION, announced=announced)
    assert read_by_holdfast([start, header], 100).violation == 1009


def test_the_first_fragment_counts_from_its_header() -> None:
    assert read_by_holdfast([server_frame(BINARY, fin=False, announced=101)], 100).violation == 1009


def test_control_frames_do_not_count_as_parts_of_a_message() -> None:
    pings = [server_frame(PING, b"p" * 125)] * 3
    reading = read_by_holdfast([fragmented(BINARY, [b"1"] * 4, pings)], 4)
    assert reading.messages == [b"1111"]
    assert reading.controls == [PingFrame(b"p" * 125)] * 3


def test_the_limit_starts_anew_with_every_message() -> None:
    message = fragmented(BINARY, [b"12", b"34"])
    assert read_by_holdfast([message * 3], 4).messages == [b"1234"] * 3


def peak_of(reader: FrameReader, chunks: Iterator[bytes], messages: list[str | bytes]) -> int:
    """The most bytes that were held at once while these chunks were read."""
    tracemalloc.start()
    for chunk in chunks:
        assert reader.receive(chunk, messages) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_long_message_in_small_chunks_is_held_about_twice_at_most(opcode: int) -> None:
    """Once while it grows, once as it is handed over. Were each chunk a copy of all before, this would take minutes."""
    size = 16 * MIB
    header = server_frame(opcode, announced=size, form=LONG)
    chunk = b"m" * 1024
    stream = (part for part in [header, *[chunk] * (size // len(chunk))])
    messages: list[str | bytes] = []
    peak = peak_of(FrameReader(size), stream, messages)
    assert [len(message) for message in messages] == [size]
    assert peak < 2.5 * size


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_one_byte_fragments_is_not_held_as_many_objects(opcode: int) -> None:
    count = 20_000
    first, middle, last = (
        server_frame(opcode, b"m", fin=False),
        server_frame(CONTINUATION, b"m", fin=False),
        server_frame(CONTINUATION, b"m"),
    )
    messages: list[str | bytes] = []
    stream = (part for part in [first, *[middle * 100] * ((count - 100) // 100), middle * 98, last])
    peak = peak_of(FrameReader(count), stream, messages)
    assert [len(message) for message in messages] == [count]
    # Four bytes a character, twice, and the buffers' slack; a list of pieces would take 50 and more per byte.
    assert peak < 16 * count


def test_empty_fragments_take_no_memory() -> None:
    stream = (part for part in [server_frame(TEXT, fin=False), *[server_frame(CONTINUATION, fin=False) * 100] * 50])
    assert peak_of(FrameReader(100), stream, []) < 64 * 1024


def test_an_unfinished_header_is_all_that_is_kept_of_it() -> None:
    """A frame header in one-byte chunks: nothing is delivered, nothing refused, until it is whole."""
    reader = FrameReader(MIB)
    messages: list[str | bytes] = []
    stream = server_frame(BINARY, b"m" * 70_000)
    for byte in stream[:9]:
        assert reader.receive(bytes([byte]), messages) == []
    assert reader.receive(stream[9:], messages) == []
    assert messages == [b"m" * 70_000]
