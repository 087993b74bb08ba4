"""What a simulated server reads and writes without wsproto is what wsproto would have made of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage

from holdfast.testing import Exchange, Stream
from holdfast.testing.plain_frames import plain_events, plain_frame
from holdfast.wire import BINARY, PING, PONG, TEXT, client_frame
from testing.link import PlainClient

MASK = b"\x01\x02\x03\x04"

texts = st.text(max_size=60).filter(lambda text: len(text.encode()) <= 125)
payloads = st.binary(max_size=125)
events = st.one_of(texts.map(TextMessage), payloads.map(Ping), payloads.map(Pong))
OPCODES = {TextMessage: TEXT, Ping: PING, Pong: PONG}


def frame_of(event: Event) -> bytes:
    payload = event.data.encode() if isinstance(event, TextMessage) else bytes(event.payload)
    return client_frame(OPCODES[type(event)], payload, MASK)


@given(st.lists(events, min_size=1, max_size=4))
def test_whole_frames_are_read_as_wsproto_reads_them(sent: list[Event]):
    data = b"".join(map(frame_of, sent))
    reference = Connection(ConnectionType.SERVER)
    reference.receive_data(data)
    assert plain_events(data) == list(reference.events()) == sent


@given(events)
def test_frames_are_written_as_wsproto_writes_them(event: Event):
    assert plain_frame(event) == Connection(ConnectionType.SERVER).send(event)


@given(st.lists(events, min_size=1, max_size=3), st.data())
def test_what_is_not_whole_is_not_read(sent: list[Event], data: st.DataObject):
    frames = [frame_of(event) for event in sent]
    cut = data.draw(st.integers(1, len(frames[-1]) - 1))
    assert plain_events(b"".join(frames[:-1]) + frames[-1][:cut]) is None


@given(st.binary(min_size=1, max_size=40))
@example(b"\x81\x82\x00\x00\x00\x00\xc3\x28")
def test_any_bytes_are_read_or_left_to_wsproto(data: bytes):
    found = plain_events(data)
    if found is not None:
        reference = Connection(ConnectionType.SERVER)
        reference.receive_data(data)
        assert found == list(reference.events())


@pytest.mark.parametrize(
    "data",
    [
        client_frame(BINARY, b"bytes", MASK),
        client_frame(TEXT, b"x" * 126, MASK),
        client_frame(TEXT, b"\xff", MASK),
        client_frame(TEXT | 0x40, b"compressed", MASK),
        b"\x01\x81" + MASK + b"a",  # the first of several
        b"\x81\x01a",  # without a mask
    ],
)
def test_the_rest_is_left_to_wsproto(data: bytes):
    assert plain_events(data) is None


def test_a_close_frame_is_left_to_wsproto():
    assert plain_frame(CloseConnection(1000)) is None


def test_a_frame_that_comes_in_two_parts_is_not_taken_for_two() -> None:
    """Its second part looks like a whole frame."""
    ping = client_frame(PING, b"", b"\x7f\x7f\x7f\x7f")
    data = b"\x81" + bytes([0x80 + len(ping)]) + bytes(4) + ping  # as a text, it is no UTF-8
    exchange = Exchange([Stream("btcusdt@trade", 1.0)])
    exchange.start(0.0)
    PlainClient(exchange).open("/stream")
    exchange.received(1, data[:6], 0.0)
    exchange.received(1, data[6:], 0.0)
    assert exchange.ledger.connections[0].answered == 0
