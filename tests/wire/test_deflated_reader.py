"""Compressed messages mean what zlib, wsproto and websockets find in them, in whatever frames and chunks they come."""

from __future__ import annotations

import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.deflated import (
    BOTH,
    RSV1,
    Compressor,
    Sent,
    compressed_streams,
    deflated,
    garbage_that_is_compressed,
    in_pieces,
    mutated_compressed_streams,
)
from helpers.frames import CONTINUATION, LONG, MEDIUM, chunk_sizes, chunked, fragmented, server_frame
from helpers.reading import Reading, read_by_holdfast, read_by_websockets, read_by_wsproto
from holdfast.wire import BINARY, CLOSE, PING, PONG, TEXT, Agreement, CloseFrame, PingFrame

SMALL = 3000  # bytes; streams up to this size are also read byte by byte


def read(*chunks: bytes, agreement: Agreement | None = BOTH[0]) -> Reading:
    return read_by_holdfast(chunks, agreement=agreement)


def in_all_cuts(sent: Sent, sizes: list[int], limit: int = 1 << 40) -> Reading:
    """What the reader found, which must not depend on the chunks; not even what it says of a violation."""
    whole = read_by_holdfast([sent.stream] if sent.stream else [], limit, sent.agreement)
    for chunks in (sizes, [1]):
        if chunks != [1] or len(sent.stream) <= SMALL:
            reading = read_by_holdfast(chunked(sent.stream, chunks), limit, sent.agreement)
            assert reading == whole
            assert reading.detail == whole.detail
    return whole


@given(compressed_streams(), chunk_sizes())
def test_what_was_compressed_arrives(sent: Sent, sizes: list[int]) -> None:
    ours = in_all_cuts(sent, sizes)
    assert ours.messages == sent.messages
    assert ours == read_by_websockets(sent.stream, sent.agreement)
    if not sent.interrupted:  # wsproto takes the rest of such a message for uncompressed
        assert ours == read_by_wsproto(sent.stream, sent.agreement)


@given(mutated_compressed_streams(), chunk_sizes())
def test_mutated_streams_break_nothing(sent: Sent, sizes: list[int]) -> None:
    in_all_cuts(sent, sizes, limit=1 << 20)


@given(garbage_that_is_compressed(), chunk_sizes(), st.sampled_from([1, 10, 100, 1 << 20]))
def test_garbage_that_calls_itself_compressed_breaks_nothing(sent: Sent, sizes: list[int], limit: int) -> None:
    reading = in_all_cuts(sent, sizes, limit)
    assert reading.violation in (None, 1002, 1007, 1009)
    assert all(len(message) <= limit for message in reading.messages)


# The examples of RFC 7692 section 7.2.3


HELLO = bytes.fromhex("f248cdc9c90700")


@pytest.mark.parametrize("cuts", [[1], [3], [1000]])
@pytest.mark.parametrize(
    ("stream", "count"),
    [
        ("c107f248cdc9c90700", 1),  # one block
        ("4103f248cd8004c9c90700", 1),  # the same in two frames
        ("c107f248cdc9c90700 c105f200110000", 2),  # with the window of the message before
        ("c107f248cdc9c90700 c107f248cdc9c90700", 2),  # without
        ("c10b000500faff48656c6c6f00", 1),  # a block without compression
        ("c108f348cdc9c9070000", 1),  # a final block
        ("c108f348cdc9c9070000 c108f348cdc9c9070000 c107f248cdc9c90700", 3),
        ("c10df2480500 0000ffff cac9c90700", 1),  # two blocks
    ],
)
def test_the_examples_of_the_rfc(stream: str, count: int, cuts: list[int]) -> None:
    assert read(*chunked(bytes.fromhex(stream), cuts)) == Reading(["Hello"] * count)


# Context, windows, blocks


def test_each_side_of_the_agreement_is_kept_to() -> None:
    """A reference to the message before is good only where there is a context."""
    stream = bytes.fromhex("c107f248cdc9c90700 c105f200110000")
    reading = read(stream, agreement=Agreement(server_no_context_takeover=True))
    assert reading.messages == ["Hello"]
    assert reading.violation == 1007
    assert "too far back" in reading.detail


def test_messages_that_are_not_compressed_are_no_part_of_the_context() -> None:
    first, second = bytes.fromhex("c107f248cdc9c90700"), bytes.fromhex("c105f200110000")
    between = server_frame(TEXT, b"between") + fragmented(BINARY, [b"bet", b"ween"])
    assert read(first + between + second).messages == ["Hello", "between", b"between", "Hello"]


@pytest.mark.parametrize("agreed", [8, 9, 15])
@pytest.mark.parametrize("cuts", [[1], [7], [100_000]])
def test_a_server_that_uses_a_larger_window_than_agreed_is_read_alike_in_all_chunks(
    agreed: int, cuts: list[int]
) -> None:
    unit = Random(1).randbytes(2000)
    compressor = Compressor()
    stream = b"".join(compressor.frame(unit + bytes([index])) for index in range(3))
    reading = read(*chunked(stream, cuts), agreement=Agreement(server_max_window_bits=agreed))
    assert reading.messages == [unit + bytes([index]) for index in range(3)]


def test_several_final_blocks_in_a_message() -> None:
    final = zlib.compressobj(wbits=-15)
    block = final.compress(b"again ") + final.flush(zlib.Z_FINISH)
    stream = in_pieces(TEXT, [block * 3, block, b"\x00"]) + server_frame(TEXT, block * 16 + b"\x00", rsv=RSV1)
    short = server_frame(TEXT, block + b"\x00", rsv=RSV1)
    for cuts in ([1], [1000]):
        reading = read(*chunked(stream + short * 20 + stream, cuts))
        assert reading == Reading(["again " * 4, "again " * 16, *["again "] * 20, "again " * 4, "again " * 16])


@pytest.mark.parametrize("cuts", [[1], [50], [1 << 20]])
def test_endless_final_blocks_are_a_violation(cuts: list[int]) -> None:
    """Each costs a new stream: they are answered before they add up."""
    for stream in (
        server_frame(BINARY, b"\x03\x00" * 30_000, rsv=RSV1),
        server_frame(BINARY, b"\x03\x00" * 40_000, rsv=RSV1),
        in_pieces(BINARY, [b"\x03\x00"] * 30_000),
    ):
        reading = read(*chunked(stream, cuts))
        assert (reading.messages, reading.violation) == ([], 1007)
        assert "streams" in reading.detail


def test_an_empty_message() -> None:
    compressor = Compressor()
    stream = compressor.frame("") + compressor.frame("a") + compressor.frame("") + compressor.frame(b"")
    for cuts in ([1], [3], [1000]):
        assert read(*chunked(stream, cuts)) == Reading(["", "a", "", b""])


# What is forbidden


@pytest.mark.parametrize("agreement", [None, *BOTH])
@pytest.mark.parametrize("cuts", [[1], [3], [1000]])
@pytest.mark.parametrize(
    "stream",
    [
        server_frame(PING, b"x", rsv=RSV1),
        server_frame(PONG, b"x", rsv=RSV1),
        server_frame(CLOSE, b"", rsv=RSV1),
        server_frame(CLOSE, b"\x03\xe8", rsv=RSV1),
        server_frame(CONTINUATION, b"\x00", rsv=RSV1),
        server_frame(3, b"\x00", rsv=RSV1),
        server_frame(TEXT, HELLO, rsv=RSV1 | 2),
        server_frame(TEXT, HELLO, rsv=RSV1 | 1),
        server_frame(TEXT, HELLO, rsv=2),
        server_frame(TEXT, HELLO, rsv=RSV1, mask=b"mask"),
        server_frame(TEXT, HELLO, rsv=RSV1, form=MEDIUM),
        server_frame(TEXT, HELLO, rsv=RSV1, form=LONG),
        server_frame(TEXT, b"one", fin=False) + server_frame(CONTINUATION, b"\x00", rsv=RSV1),
        server_frame(TEXT, b"one", fin=False) + server_frame(TEXT, HELLO, rsv=RSV1),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(CONTINUATION, b"\x00", rsv=RSV1),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(CONTINUATION, b"\x00", mask=b"mask"),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(CONTINUATION, b"\x00", form=MEDIUM),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(TEXT, HELLO, rsv=RSV1),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(TEXT, b"two"),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(BINARY, b"two", fin=False),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(PING, b"x", rsv=RSV1),
        server_frame(TEXT, HELLO, rsv=RSV1, fin=False) + server_frame(5, b"x"),
        server_frame(TEXT, HELLO, rsv=RSV1) + server_frame(CONTINUATION, b"\x00"),
    ],
)
def test_frames_that_break_the_protocol(stream: bytes, cuts: list[int], agreement: Agreement | None) -> None:
    reading = read(*chunked(stream + server_frame(TEXT, b"late"), cuts), agreement=agreement)
    reference = read_by_wsproto(stream, agreement)
    assert reading.messages == reference.messages
    assert reading.violation == 1002
    assert reading.detail
    assert reference.violation in (1002, 1007)  # it inflates before it looks


def test_compression_without_agreement_is_a_violation() -> None:
    for stream in (deflated("x"), in_pieces(TEXT, [HELLO, b""])):
        assert read(stream, agreement=None) == Reading(violation=1002)


@pytest.mark.parametrize("announced", [1 << 63, (1 << 64) - 1])
def test_a_length_that_no_frame_can_have_is_refused_from_its_header(announced: int) -> None:
    assert read(server_frame(TEXT, rsv=RSV1, announced=announced)).violation == 1009
    start = server_frame(TEXT, HELLO, rsv=RSV1, fin=False)
    assert read(start + server_frame(CONTINUATION, announced=announced)).violation == 1009


@pytest.mark.parametrize("agreement", BOTH)
@pytest.mark.parametrize("cuts", [[1], [3], [1000]])
@pytest.mark.parametrize(
    "payload",
    [
        b"\x07",  # a reserved kind of block
        b"\xff" * 20,
        b"\x00\x05\x00\x00\x00Hello",  # a length that its complement denies
        b"\xf2\x00\x11\x00\x00",  # a reference to what never was
    ],
)
def test_broken_compression_is_1007(payload: bytes, cuts: list[int], agreement: Agreement) -> None:
    """As wsproto says; RFC 7692 leaves the code open."""
    for stream in (server_frame(TEXT, payload, rsv=RSV1), in_pieces(BINARY, [payload, b"\x00"])):
        reading = read(*chunked(stream, cuts), agreement=agreement)
        assert (reading.messages, reading.violation) == ([], 1007)
        assert reading.detail.startswith("compressed data is broken")
        assert read_by_wsproto(stream, agreement).violation == 1007


@pytest.mark.parametrize("cuts", [[1], [3], [1000]])
@pytest.mark.parametrize("text", [b"\xff", b"cut \xe2\x82", b"\xed\xa0\x80"])
def test_compressed_text_that_is_not_utf_8_is_1007(text: bytes, cuts: list[int]) -> None:
    payload = Compressor().payload(text)
    for stream in (server_frame(TEXT, payload, rsv=RSV1), in_pieces(TEXT, [payload[:1], payload[1:]])):
        reading = read(*chunked(deflated_ping() + stream, cuts))
        assert (reading.messages, reading.violation) == ([], 1007)
        assert reading.detail == "text is not UTF-8"


def deflated_ping() -> bytes:
    return server_frame(PING, b"before")


def test_characters_may_be_cut_between_frames() -> None:
    payload = Compressor(level=0).payload("früh €".encode())
    assert read(in_pieces(TEXT, [bytes([byte]) for byte in payload])).messages == ["früh €"]


def test_messages_before_a_violation_are_kept_and_none_behind_it() -> None:
    compressor = Compressor()
    stream = compressor.frame("good") + server_frame(TEXT, b"plain") + server_frame(TEXT, b"\x07", rsv=RSV1)
    reading = read(stream + compressor.frame("late") + server_frame(PING))
    assert reading == Reading(["good", "plain"], violation=1007)


@pytest.mark.parametrize("cuts", [[1], [4], [1000]])
def test_control_frames_within_a_compressed_message(cuts: list[int]) -> None:
    between = [server_frame(PING, b"1"), server_frame(PONG, b"2"), server_frame(CLOSE, b"\x03\xe9bye")]
    reading = read(*chunked(in_pieces(TEXT, [HELLO[:2], HELLO[2:4], HELLO[4:], b""], between), cuts))
    assert reading.messages == []
    assert [type(control).__name__ for control in reading.controls] == ["PingFrame", "PongFrame", "CloseFrame"]
    assert reading.controls[-1] == CloseFrame(1001, "bye")
    assert reading.controls[0] == PingFrame(b"1")
