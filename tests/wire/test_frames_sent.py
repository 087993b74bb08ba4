"""What we send must be read by a server as it was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from holdfast.errors import LocalProtocolError
from holdfast.wire import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    MaskSource,
    check_close,
    client_frame,
    close_payload,
)
from holdfast.wire.frames import cut_utf8

SIZES = st.one_of(st.integers(0, 300), st.sampled_from([65534, 65535, 65536, 70_000]))
MASKS = st.binary(min_size=4, max_size=4)


def served(data: bytes) -> list[object]:
    """The events that a server makes of it."""
    server = Connection(ConnectionType.SERVER)
    server.receive_data(data)
    return list(server.events())


@given(SIZES, st.binary(min_size=1, max_size=9), MASKS)
def test_a_server_reads_the_bytes_we_sent(size: int, unit: bytes, mask: bytes) -> None:
    payload = (unit * size)[:size]
    (event,) = served(client_frame(BINARY, payload, mask))
    assert isinstance(event, BytesMessage)
    assert bytes(event.data) == payload
    assert event.message_finished


@given(st.text(max_size=200), MASKS)
def test_a_server_reads_the_text_we_sent(text: str, mask: bytes) -> None:
    payload = text.encode()
    (event,) = served(client_frame(TEXT, payload, mask))
    assert isinstance(event, TextMessage)
    assert event.data == text


@pytest.mark.parametrize("size", [125, 126, 65535, 65536])
def test_the_length_takes_its_shortest_form(size: int) -> None:
    head = 6 if size < 126 else 8 if size < 65536 else 14
    assert len(client_frame(BINARY, bytes(size), b"mask")) == head + size


@given(st.binary(max_size=125), MASKS)
def test_pings_and_pongs_carry_their_payload(payload: bytes, mask: bytes) -> None:
    ping, pong = served(client_frame(PING, payload, mask) + client_frame(PONG, payload, mask))
    assert isinstance(ping, Ping)
    assert isinstance(pong, Pong)
    assert (bytes(ping.payload), bytes(pong.payload)) == (payload, payload)


@given(st.one_of(st.none(), st.sampled_from([1000, 1001, 1002, 1013, 3000, 4999])), st.text(max_size=200), MASKS)
def test_a_close_frame_is_read_and_its_reason_cut_between_characters(
    code: int | None, reason: str, mask: bytes
) -> None:
    payload = close_payload(code, reason)
    assert len(payload) <= 125
    (event,) = served(client_frame(CLOSE, payload, mask))
    assert isinstance(event, CloseConnection)
    assert event.code == (1005 if code is None else code)
    assert reason.startswith(event.reason or "")


def test_a_reason_that_fits_is_not_cut() -> None:
    assert close_payload(1000, "é" * 61) == b"\x03\xe8" + ("é" * 61).encode()
    assert close_payload(1000, "é" * 62) == b"\x03\xe8" + ("é" * 61).encode()


@given(st.binary(max_size=100), MASKS)
def test_masking_is_the_xor_of_the_rfc(payload: bytes, mask: bytes) -> None:
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    assert client_frame(BINARY, payload, mask)[2:] == mask + masked


@given(st.text(), st.integers(0, 20))
def test_text_is_cut_to_the_longest_prefix_that_fits(text: str, size: int) -> None:
    cut = cut_utf8(text, size).decode()
    assert text.startswith(cut)
    assert len(cut.encode()) <= size
    if cut != text:
        assert len((cut + text[len(cut)]).encode()) > size


def test_lone_surrogates_in_a_reason_break_nothing() -> None:
    assert cut_utf8("a\ud800b", 10) == b"a?b"


def test_masks_are_drawn_in_blocks_and_never_repeated() -> None:
    draws: list[int] = []

    def entropy(size: int) -> bytes:
        draws.append(size)
        return b"".join((len(draws) << 16 | index).to_bytes(4, "big") for index in range(size // 4))

    source = MaskSource(entropy)
    masks = [source() for _ in range(1000)]
    assert {len(mask) for mask in masks} == {4}
    assert len(set(masks)) == 1000
    assert len(draws) < 40


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    check_close(code, "")


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65536])
def test_codes_that_may_not_be_sent(code: int) -> None:
    with pytest.raises(LocalProtocolError, match=str(code)):
        check_close(code, "")
