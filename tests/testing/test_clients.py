"""How an exchange treats its clients, polite or not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    TextMessage,
)

from holdfast.testing import Abort, CloseWith, Exchange, Fault, Finish, GoSilent, Reset
from holdfast.testing.server_connection import CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT, MAX_REQUEST_SIZE
from holdfast.wire import CLOSE, TEXT, client_frame
from testing.link import STREAMS, TARGET, PlainClient

MASK = b"mask"


def exchange_with(*script: tuple[float, Fault], ping_interval: float | None = None) -> Exchange:
    exchange = Exchange(STREAMS, script, ping_interval=ping_interval)
    exchange.start(0.0)
    return exchange


def request(method: str, *params: object, ident: object = 1) -> TextMessage:
    return TextMessage(json.dumps({"method": method, "params": params, "id": ident}))


def streams_of(client: PlainClient) -> set[str]:
    return {parsed["stream"] for text in client.texts if "stream" in (parsed := json.loads(text))}


# Asking for streams


@pytest.mark.parametrize(
    ("target", "streams"),
    [
        (TARGET, {"btcusdt@trade", "ethusdt@trade"}),
        ("/stream?streams=ethusdt@trade", {"ethusdt@trade"}),
        ("/stream?streams=ethusdt%40trade/nosuch@trade", {"ethusdt@trade"}),
        ("/stream?streams=", set()),
        ("/stream", set()),
    ],
)
def test_streams_asked_for_in_the_url(target: str, streams: set[str]) -> None:
    client = PlainClient(exchange_with()).open(target).tick(2.0)
    assert client.is_open
    assert streams_of(client) == streams


def test_subscribe_and_unsubscribe() -> None:
    client = PlainClient(exchange_with()).open("/stream")
    client.send(request("SUBSCRIBE", "btcusdt@trade", "ethusdt@trade", ident=7)).tick(1.0)
    assert client.texts[0] == '{"result":null,"id":7}'
    assert streams_of(client) == {"btcusdt@trade", "ethusdt@trade"}
    client.texts.clear()
    client.send(request("UNSUBSCRIBE", "btcusdt@trade", ident="x"), 1.0)
    client.send(request("LIST_SUBSCRIPTIONS", ident=9), 1.0).tick(2.0)
    assert client.texts[:2] == ['{"result":null,"id":"x"}', '{"result":["ethusdt@trade"],"id":9}']
    assert streams_of(client) == {"ethusdt@trade"}


def test_a_request_in_pieces_is_one_request() -> None:
    client = PlainClient(exchange_with()).open("/stream")
    text = request("SUBSCRIBE", "btcusdt@trade").data
    client.send(TextMessage(text[:9], message_finished=False)).send(TextMessage(text[9:]))
    assert client.texts == ['{"result":null,"id":1}']


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("}", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("[]", "not an object"),
        ('{"method":"BUY","id":1}', "unknown method"),
        ('{"method":"SUBSCRIBE","id":1}', "list of stream names"),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', "list of stream names"),
        ('{"method":"SUBSCRIBE","params":"a@trade","id":[[]]}', "list of stream names"),
        (json.dumps({"method": "SUBSCRIBE", "params": [f"s{n}" for n in range(1025)]}), "at most 1024"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(text: str, problem: str) -> None:
    client = PlainClient(exchange_with()).open().send(TextMessage(text))
    (answer,) = client.texts
    assert problem in json.loads(answer)["error"]["msg"]
    assert json.loads(answer)["id"] in (1, None)
    assert streams_of(client.tick(2.0)) == {"btcusdt@trade", "ethusdt@trade"}


def test_clients_get_what_each_of_them_asked_for() -> None:
    exchange = exchange_with()
    one = PlainClient(exchange, conn=1).open("/stream?streams=btcusdt@trade")
    records = exchange.ledger.connections
    exchange.accepted(2, 0.0)
    one.tick(2.0)
    assert streams_of(one) == {"btcusdt@trade"}
    assert records[0].written == {"btcusdt@trade": 16}
    assert records[1].written == {}
    assert exchange.open_connections == 1


# Handshakes


def test_nothing_is_at_other_paths() -> None:
    client = PlainClient(exchange_with()).open("/ws")
    (rejection,) = [event for event in client.events if isinstance(event, RejectConnection)]
    assert rejection.status_code == 404
    assert client.ended is Finish


@pytest.mark.parametrize(
    "data",
    [
        b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x01 hello TLS\r\n\r\n",
        b"GET /stream HTTP/1.1\r\nHost: \xff\r\nUpgrade: websocket\r\n\r\n",
        b"GET /stream HTTP/1.1\r\nX: " + b"x" * 200_000,
    ],
)
def test_what_is_no_handshake_is_refused(data: bytes) -> None:
    exchange = exchange_with()
    exchange.accepted(1, 0.0)
    exchange.received(1, data, 0.0)
    write, end = exchange.take_commands()
    assert write.data.startswith(b"HTTP/1.1 400 ")  # type: ignore[union-attr]
    assert type(end) is Finish


def test_who_never_asks_is_cut_off() -> None:
    exchange = exchange_with()
    client = PlainClient(exchange)
    client.give(b"GET /str", 5.0).tick(HANDSHAKE_TIMEOUT - 0.01)
    assert client.ended is None
    assert client.tick(HANDSHAKE_TIMEOUT).ended is Abort
    assert exchange.ledger.connections[0].ended_at == HANDSHAKE_TIMEOUT


# Pings and closing


def test_pings_are_answered_with_their_payload() -> None:
    exchange = exchange_with()
    client = PlainClient(exchange).open().send(Ping(b"abc"))
    assert [event.payload for event in client.events if isinstance(event, Pong)] == [b"abc"]
    assert exchange.ledger.connections[0].answered == 1


def test_it_can_ping_its_clients() -> None:
    exchange = exchange_with(ping_interval=3.0)
    client = PlainClient(exchange).open().tick(10.0)
    pings = [event for event in client.events if isinstance(event, Ping)]
    assert len(pings) == 3
    client.send(pings[0].response(), 10.0)
    assert exchange.ledger.connections[0].pongs == 1


def test_it_does_not_ping_unless_told_to() -> None:
    client = PlainClient(exchange_with()).open().tick(60.0)
    assert not any(isinstance(event, Ping) for event in client.events)


def test_a_close_frame_is_answered_and_nothing_follows() -> None:
    exchange = exchange_with()
    client = PlainClient(exchange).open().send(CloseConnection(1001, "bye"), 1.0)
    assert [event.code for event in client.events if isinstance(event, CloseConnection)] == [1001]
    assert client.ended is Finish
    assert exchange.ledger.connections[0].ended_at == 1.0
    assert exchange.open_connections == 0
    client.tick(5.0)  # PlainClient checks that nothing follows


def test_who_does_not_answer_a_close_frame_is_cut_off() -> None:
    exchange = exchange_with((1.0, CloseWith(1001)), ping_interval=0.5)
    client = PlainClient(exchange).open().tick(1.0)
    texts = len(client.texts)
    exchange.stop_publishing(1.0)
    assert exchange.next_deadline() == CLOSE_TIMEOUT + 1.0  # no pings behind a close frame
    client.tick(CLOSE_TIMEOUT + 0.99)
    assert client.ended is None
    assert client.tick(CLOSE_TIMEOUT + 1.0).ended is Abort
    assert len(client.texts) == texts  # no data behind a close frame


def test_a_silent_connection_does_not_answer_a_close_frame_either() -> None:
    client = PlainClient(exchange_with((1.0, GoSilent(4.0)))).open().tick(2.0)
    client.send(CloseConnection(1000), 2.0)
    assert not any(isinstance(event, CloseConnection) for event in client.events)
    assert client.tick(4.99 + CLOSE_TIMEOUT).ended is None
    assert client.tick(5.0 + CLOSE_TIMEOUT).ended is Abort


def test_a_fault_reaches_connections_in_their_handshake_too() -> None:
    exchange = exchange_with((1.0, GoSilent(4.0)))
    client = PlainClient(exchange).tick(1.0).open(now=1.0)
    assert client.raw == b""
    assert exchange.faults[0].hits == 1
    reset = PlainClient(exchange_with((1.0, Reset()))).tick(1.0)
    assert reset.ended is Abort


def test_who_left_is_forgotten() -> None:
    exchange = exchange_with((3.0, Reset()))
    client = PlainClient(exchange).open()
    exchange.disconnected(1, 2.0)
    exchange.disconnected(1, 2.5)
    client.give(b"late", 2.5).tick(4.0)
    assert exchange.ledger.connections[0].ended_at == 2.0
    assert exchange.faults[0].hits == 0
    assert client.ended is None


# Bad manners


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (client_frame(TEXT, b"\xff", MASK), 1007),
        (b"\xff\xff" + MASK, 1002),
        (client_frame(0x3, b"", MASK), 1002),
        (client_frame(CLOSE, b"\x03", MASK), 1002),
        (client_frame(TEXT, b"a" * (MAX_REQUEST_SIZE + 1), MASK), 1009),
    ],
)
def test_violations_are_closed_with_a_code(data: bytes, code: int) -> None:
    client = PlainClient(exchange_with()).open().give(data, 1.0).tick(1.0 + CLOSE_TIMEOUT)
    assert [event.code for event in client.events if isinstance(event, CloseConnection)] == [code]
    assert client.ended in (Finish, Abort)


def test_it_is_one_request_that_must_not_be_too_long() -> None:
    client = PlainClient(exchange_with()).open("/stream")
    for _ in range(3):
        client.send(TextMessage(" " * (MAX_REQUEST_SIZE // 2)))
    assert len(client.texts) == 3
    assert client.ended is None


def test_binary_messages_are_passed_over() -> None:
    client = PlainClient(exchange_with()).open("/stream").send(BytesMessage(b"?")).tick(1.0)
    assert client.texts == []
    assert client.ended is None


@given(st.booleans(), st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_no_bytes_can_break_it(opened: bool, chunks: list[bytes]) -> None:
    exchange = exchange_with(ping_interval=1.0)
    exchange.accepted(1, 0.0)
    if opened:
        PlainClient(exchange, conn=2).open()
    for number, chunk in enumerate(chunks):
        exchange.received(2 if opened else 1, chunk, number / 4)
        exchange.tick(number / 4)
        assert exchange.next_deadline() > number / 4
    exchange.stop_publishing(100.0)
    assert exchange.ledger.counts.total() == 1200
    assert exchange.next_deadline() > 100.0
