"""Bounds on what inflating may make of a few bytes: sizes, memory, work."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.deflated import BOTH, RSV1, Compressor, bomb, cut, in_pieces
from helpers.frames import PING, chunk_sizes, chunked, server_frame
from helpers.reading import read_by_holdfast, reader_for
from holdfast.wire import BINARY, TEXT, Agreement, Control, FrameReader, Violation

KIB, MIB = 1 << 10, 1 << 20
LIMITS = (1, 125, 126, 1000, 65535, 65536, 65537, 131072, 200_000)  # 64 KiB are inflated at once
TAKEOVER = BOTH[0]


@pytest.mark.parametrize("agreement", BOTH)
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("size", [50, 1 << 20])
@pytest.mark.parametrize("level", [0, 9])  # much longer than its frame, or a little shorter
def test_a_message_may_be_as_long_as_the_limit_and_not_longer(
    limit: int, size: int, level: int, agreement: Agreement
) -> None:
    compressor = Compressor(agreement, level)
    fits = [compressor.payload(b"m" * limit) for _ in range(2)]
    too_long = compressor.payload(b"m" * (limit + 1))
    stream = server_frame(TEXT, fits[0], rsv=RSV1) + in_pieces(BINARY, cut(fits[1], [1, 3, 70]))
    for bad in (server_frame(BINARY, too_long, rsv=RSV1), in_pieces(TEXT, cut(too_long, [2, 30]))):
        reading = read_by_holdfast(chunked(stream + bad, [size]), limit, agreement)
        assert reading.messages == ["m" * limit, b"m" * limit]
        assert reading.violation == 1009
        assert f"max_message_size, {limit} bytes" in reading.detail


def test_the_limit_is_about_the_message_and_not_about_its_frame() -> None:
    """What cannot be compressed is longer on the wire."""
    noise = os.urandom(100)
    payload = Compressor(level=0).payload(noise)
    assert len(payload) > 100
    for stream in (server_frame(BINARY, payload, rsv=RSV1), in_pieces(BINARY, cut(payload, [50]))):
        assert read_by_holdfast([stream], 100, TAKEOVER).messages == [noise]


def test_other_messages_keep_their_limit() -> None:
    reading = read_by_holdfast([server_frame(TEXT, b"12345"), server_frame(TEXT, b"123456")], 5, TAKEOVER)
    assert (reading.messages, reading.violation) == (["12345"], 1009)


def peak_of(reader: FrameReader, chunks: Iterable[bytes], messages: list[str | bytes]) -> tuple[int, list[Control]]:
    """The most bytes that were held at once while these chunks were read, and what came of it."""
    controls: list[Control] = []
    tracemalloc.start()
    for chunk in chunks:
        controls += reader.receive(chunk, messages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, controls


BOMB = bomb(200 * MIB)  # 200 KiB
SMALL_BOMB = bomb(60 * MIB)  # fits into a frame that is read at once


@pytest.mark.parametrize("cuts", [[1 << 20], [64 * KIB], [1000]])
@pytest.mark.parametrize("limit", [100 * KIB, 4 * MIB])
@pytest.mark.parametrize(
    "stream",
    [
        server_frame(TEXT, SMALL_BOMB, rsv=RSV1),
        server_frame(BINARY, BOMB, rsv=RSV1),
        in_pieces(TEXT, cut(BOMB, [100, 60_000, 61_000]), [server_frame(PING)]),
        server_frame(BINARY, BOMB * 50, rsv=RSV1),
    ],
    ids=["one small frame", "one frame", "several frames", "bomb upon bomb"],
)
def test_a_bomb_ends_in_1009_and_takes_little_more_memory_than_the_limit(
    stream: bytes, limit: int, cuts: list[int]
) -> None:
    chunks = list(chunked(stream, cuts))
    messages: list[str | bytes] = []
    peak, controls = peak_of(reader_for(TAKEOVER, limit), chunks, messages)
    assert messages == []
    assert isinstance(controls[-1], Violation)
    assert controls[-1].code == 1009
    # A growing buffer has an eighth in reserve. Beside it there are a copy of the chunk, what zlib has not taken of the
    # 64 KiB that it was given, the 64 KiB that come out of it at once, and its window.
    assert peak < limit * 9 / 8 + max(map(len, chunks)) + 8 * 64 * KIB


def test_what_a_bomb_held_is_let_go() -> None:
    reader = reader_for(TAKEOVER, 4 * MIB)
    reader.receive(server_frame(TEXT, BOMB[:3000], rsv=RSV1, fin=False), [])
    assert reader.held > MIB
    assert reader.receive(server_frame(0, BOMB[3000:]), [])
    assert reader.held == 0


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_long_message_is_held_about_twice_at_most(opcode: int) -> None:
    """Once while it grows, once as it is handed over."""
    size = 16 * MIB
    stream = server_frame(opcode, Compressor(level=1).payload(b"m" * size), rsv=RSV1)
    for cuts in ([64 * KIB], [1000]):
        messages: list[str | bytes] = []
        peak, controls = peak_of(reader_for(TAKEOVER, size), list(chunked(stream, cuts)), messages)
        assert ([len(message) for message in messages], controls) == ([size], [])
        assert peak < 2.5 * size


def test_blocks_that_bring_nothing_take_no_memory() -> None:
    """A frame may go on for ever: of no byte in it anything is kept."""
    frame = server_frame(TEXT, b"\x00\x00\x00\xff\xff" * 2 * MIB, rsv=RSV1, fin=False)
    reader = reader_for(TAKEOVER, 1000)
    peak, controls = peak_of(reader, chunked(frame, [64 * KIB]), [])
    assert controls == []
    assert reader.held == 0
    assert peak < 4 * 64 * KIB


def test_a_long_chunk_is_not_copied_again_and_again() -> None:
    """zlib copies what it has no room for: of 32 MiB in steps of 64 KiB that would be 8 GiB, and minutes."""
    noise = os.urandom(MIB) * 32
    stream = server_frame(BINARY, Compressor(level=0).payload(noise), rsv=RSV1)
    assert read_by_holdfast([stream], 32 * MIB, TAKEOVER).messages == [noise]


# What is counted


@given(st.lists(st.integers(0, 3000), max_size=6), st.sampled_from([0, 9]), chunk_sizes(), st.booleans())
def test_what_is_held_and_grown_adds_up(sizes: list[int], level: int, chunks: list[int], pieces: bool) -> None:
    """Bytes that came, less those held, and those grown: the messages, with the headers of their frames."""
    compressor, stream, headers = Compressor(level=level), b"", 0
    for size in sizes:
        payload = compressor.payload(b"m" * size)
        frames = in_pieces(TEXT, cut(payload, [1, 2])) if pieces else server_frame(TEXT, payload, rsv=RSV1)
        headers += len(frames) - len(payload)
        stream += frames
    reader, messages, received = reader_for(TAKEOVER, 3000), [], 0
    for chunk in chunked(stream, chunks):
        reader.receive(chunk, messages)
        received += len(chunk)
        complete = sum(len(message) for message in messages)
        assert complete <= received + reader.grown - reader.held <= complete + headers
    assert received + reader.grown - reader.held == sum(sizes) + headers
    assert reader.held == 0


def test_a_message_in_progress_is_held_inflated() -> None:
    reader = reader_for(TAKEOVER, MIB)
    first, second = cut(Compressor().payload(b"m" * 100_000), [60])
    reader.receive(server_frame(TEXT, first, rsv=RSV1, fin=False), [])
    assert 10_000 < reader.held < 100_000
    reader.receive(server_frame(0, second), [])
    assert reader.held == 0
