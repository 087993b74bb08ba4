"""What we compress, a server can read; and the same messages give the same bytes."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage
from wsproto.extensions import PerMessageDeflate

from holdfast import Deflate
from holdfast.wire import BINARY, RSV1, TEXT, Agreement, Deflater, client_frame

SETTINGS = st.builds(
    Deflate,
    level=st.integers(1, 9),
    memory_level=st.integers(1, 9),
    threshold=st.integers(1, 300),
)
AGREEMENTS = st.builds(
    Agreement, client_no_context_takeover=st.booleans(), client_max_window_bits=st.sampled_from([8, 9, 10, 15])
)
MESSAGE = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300),
    st.builds(lambda unit, count: unit * count, st.binary(min_size=1, max_size=40), st.integers(1, 5000)),
)


def frames_of(messages: list[str | bytes], agreement: Agreement, settings: Deflate) -> list[bytes]:
    deflater = Deflater(agreement, settings)
    frames = []
    for message in messages:
        opcode, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        compressed = deflater.compress(payload)
        frames.append(
            client_frame(opcode, payload, b"mask")
            if compressed is None
            else client_frame(opcode | RSV1, compressed, b"mask")
        )
    return frames


def read_by_a_server(stream: bytes, agreement: Agreement) -> list[str | bytes]:
    """With the window that was agreed on, and not more."""
    deflate = PerMessageDeflate(
        client_no_context_takeover=agreement.client_no_context_takeover,
        client_max_window_bits=max(9, agreement.client_max_window_bits),
    )
    deflate.finalize(deflate.name)
    server = Connection(ConnectionType.SERVER, [deflate])
    messages: list[str | bytes] = []
    parts: list[str] | list[bytes] = []
    for start in range(0, len(stream), 50):  # in pieces, so that zlib remembers no more than that window
        server.receive_data(stream[start : start + 50])
        for event in server.events():
            assert isinstance(event, TextMessage | BytesMessage), event
            parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))  # type: ignore[arg-type]
            if event.message_finished:
                messages.append(("" if isinstance(event, TextMessage) else b"").join(parts))  # type: ignore[arg-type]
                parts = []
    return messages


@given(st.lists(MESSAGE, max_size=8), AGREEMENTS, SETTINGS)
def test_a_server_reads_what_we_compressed(
    messages: list[str | bytes], agreement: Agreement, settings: Deflate
) -> None:
    frames = frames_of(messages, agreement, settings)
    assert read_by_a_server(b"".join(frames), agreement) == messages
    assert frames == frames_of(messages, agreement, settings), "another time, other bytes"
    for frame, message in zip(frames, messages, strict=True):
        size = len(message.encode() if isinstance(message, str) else message)
        assert bool(frame[0] & RSV1) == (size >= settings.threshold and agreement.client_max_window_bits > 8)


@pytest.mark.parametrize("keeps", [True, False])
def test_context_is_kept_as_agreed(keeps: bool) -> None:
    message = bytes(range(256)) * 8
    deflater = Deflater(Agreement(client_no_context_takeover=not keeps), Deflate())
    first, second = deflater.compress(message), deflater.compress(message)
    assert first is not None
    assert second is not None
    assert (len(second) < len(first) / 5) == keeps
    assert keeps or second == first


def test_short_messages_neither_use_nor_fill_the_context() -> None:
    message = bytes(range(256)) * 8
    deflater, other = Deflater(Agreement(), Deflate()), Deflater(Agreement(), Deflate())
    assert deflater.compress(message[:1023]) is None
    assert deflater.compress(message) == other.compress(message)


def test_a_window_is_not_exceeded() -> None:
    """Noise that repeats after 600 bytes helps a window of 1024 bytes, and none of 512."""
    noise = bytes(index * index % 251 ^ index >> 3 & 0xFF for index in range(600))
    sizes = {}
    for bits in (9, 15):
        payload = Deflater(Agreement(client_max_window_bits=bits), Deflate()).compress(noise * 20)
        assert payload is not None
        sizes[bits] = len(payload)
        decoder = zlib.decompressobj(-bits)
        assert b"".join(decoder.decompress(bytes([byte])) for byte in payload) == noise * 20
    assert sizes[15] < sizes[9] / 5
