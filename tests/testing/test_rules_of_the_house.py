"""Rules that a client cannot break: how old a connection grows, and what is said on it beside the streams."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from holdfast import Cause, Disconnected, Staleness
from holdfast.testing import HEARTBEAT, Finish, GoSilent, MuteData, Publication, Rules
from holdfast.testing.fragments import fragmented_frames
from holdfast.wire import TEXT, server_frame
from testing.link import TARGET, PlainClient
from testing.ruled import Feed, exchange_with

NOTICE = '{"event":"serverShutdown"}'
SILENT = "btcusdt@trade"


def closes_of(client: PlainClient) -> list[tuple[int, str | None]]:
    return [(event.code, event.reason) for event in client.events if isinstance(event, CloseConnection)]


def times_of(client: PlainClient, text: str, until: float) -> list[float]:
    """When that text came, in quarters of a second."""
    times: list[float] = []
    for quarter in range(1, round(4 * until) + 1):
        client.tick(quarter / 4)
        times += [quarter / 4] * client.texts.count(text)
        client.texts.clear()
    return times


@pytest.mark.parametrize("rules", [Rules(), Rules(max_age=1e6), Rules(message_limit=(1000, 1.0))])
def test_a_rule_that_does_not_bite_changes_nothing(rules: Rules) -> None:
    ruled, free = (PlainClient(exchange_with(given, ping_interval=3.0)) for given in (rules, None))
    for client in (ruled, free):
        client.open().send(TextMessage('{"method":"LIST_SUBSCRIPTIONS","id":1}'), 1.0).tick(60.0)
        assert len(client.texts) == 721
    assert ruled.raw.partition(b"\r\n\r\n")[2] == free.raw.partition(b"\r\n\r\n")[2]  # the head answers a nonce


# max_age


def test_an_old_connection_is_closed() -> None:
    client = PlainClient(exchange_with(Rules(max_age=10.0))).open(now=2.0).tick(11.75)
    assert closes_of(client) == []
    assert closes_of(client.tick(12.0)) == [(1001, "too old")]
    assert client.exchange.ledger.connections[0].closed_by == "max_age"


def test_an_old_connection_just_ends() -> None:
    client = PlainClient(exchange_with(Rules(max_age=10.0, max_age_code=None))).open().tick(9.75)
    assert client.ended is None
    assert client.tick(10.0).ended is Finish
    assert closes_of(client) == []
    (record,) = client.exchange.ledger.connections
    assert (record.ended_at, record.closed_by, record.closed_at) == (10.0, "max_age", 10.0)


def test_a_silent_connection_ends_when_the_silence_is_over() -> None:
    rules = Rules(max_age=10.0, max_age_code=None)
    client = PlainClient(exchange_with(rules, (8.0, GoSilent(5.0)))).open().tick(12.75)
    assert client.ended is None
    assert client.tick(13.0).ended is Finish


def test_a_client_that_leaves_in_time_was_not_closed() -> None:
    client = PlainClient(exchange_with(Rules(max_age=10.0, heartbeat=1.0))).open()
    client.send(CloseConnection(1000), 9.0).tick(30.0)
    assert client.ended is Finish
    assert client.exchange.ledger.connections[0].closed_by is None


@pytest.mark.parametrize(("code", "cause"), [(1001, Cause.CLOSED), (1012, Cause.CLOSED), (None, Cause.EOF)])
def test_the_real_client_comes_back(code: int | None, cause: Cause) -> None:
    feed = Feed(Rules(max_age=5.0, max_age_code=code)).run(18)
    lost = [item.failure for item in feed.items if isinstance(item, Disconnected)]
    assert [(failure.cause, failure.code) for failure in lost] == [(cause, code)] * 3
    assert [record.closed_by for record in feed.connections] == ["max_age"] * 3 + [None]


def test_notice_is_given_once() -> None:
    client = PlainClient(exchange_with(Rules(max_age=10.0, notice=NOTICE, notice_before=2.5))).open()
    assert times_of(client, NOTICE, 30.0) == [7.5]


def test_the_real_client_hears_the_notice_of_each_connection() -> None:
    feed = Feed(Rules(max_age=5.0, notice=NOTICE, notice_before=1.0)).run(9)
    first = feed.messages.index(NOTICE)
    assert feed.messages.count(NOTICE) == 1
    assert feed.messages[first + 1 :]
    assert feed.run(2).messages.count(NOTICE) == 2


# heartbeat


def test_heartbeats_come_at_their_interval() -> None:
    client = PlainClient(exchange_with(Rules(heartbeat=1.5))).open()
    assert times_of(client, HEARTBEAT, 6.25) == [1.5, 3.0, 4.5, 6.0]


def test_a_connection_that_is_not_open_has_no_heartbeat() -> None:
    exchange = exchange_with(Rules(heartbeat=1.0))
    assert PlainClient(exchange).tick(5.0).raw == b""
    client = PlainClient(exchange_with(Rules(heartbeat=1.0, max_age=3.5))).open("/stream").tick(8.0)
    assert client.texts == [HEARTBEAT] * 3


def test_heartbeats_are_no_data() -> None:
    muted = PlainClient(exchange_with(Rules(heartbeat=1.0))).open()
    muted.exchange.strike(MuteData(10.0), 0.0)
    assert muted.tick(5.0).texts == [HEARTBEAT] * 5
    assert muted.exchange.ledger.connections[0].written.total() == 0


def test_a_silent_host_has_no_heartbeat() -> None:
    silent = PlainClient(exchange_with(Rules(heartbeat=1.0))).open("/stream")
    silent.exchange.strike(GoSilent(2.5), 0.0)
    assert times_of(silent, HEARTBEAT, 5.0) == [3.0, 4.0, 5.0]


def test_the_real_client_takes_heartbeats_for_messages() -> None:
    feed = Feed(Rules(heartbeat=1.0), options={"staleness": Staleness(after=None)}, target="/stream").run(10.5)
    assert feed.messages == [HEARTBEAT] * 10
    assert feed.was_left_alone


# silent


def test_a_silent_stream_is_acknowledged_and_never_published() -> None:
    client = PlainClient(exchange_with(Rules(silent=frozenset({SILENT})))).open("/stream")
    client.send(TextMessage(json.dumps({"method": "SUBSCRIBE", "params": [SILENT], "id": 1}))).tick(30.0)
    assert client.texts == ['{"result":null,"id":1}']
    assert client.exchange.ledger.counts == {"ethusdt@trade": 120}
    assert client.exchange.published_at(SILENT, 1) == math.inf


def test_the_other_streams_are_as_they_would_be() -> None:
    with_silent, without = (exchange_with(rules) for rules in (Rules(silent=frozenset({SILENT})), None))
    kept: list[list[Publication]] = []
    for exchange in (with_silent, without):
        exchange.tick(30.0)
        kept.append([one for one in exchange.ledger.publications if one.stream != SILENT])
    assert kept[0] == kept[1]
    assert with_silent.published_at("ethusdt@trade", 7) == without.published_at("ethusdt@trade", 7)


# fragment


@given(st.text(max_size=300), st.integers(1, 20))
def test_fragments_make_the_message_again(text: str, fragments: int) -> None:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="exchange.test", target="/")))
    (request,) = server.events()
    assert isinstance(request, Request)
    client.receive_data(server.send(AcceptConnection()))
    list(client.events())
    frames = fragmented_frames(fragments, TEXT, text.encode())
    client.receive_data(frames)
    pieces = [event for event in client.events() if isinstance(event, TextMessage)]
    assert "".join(piece.data for piece in pieces) == text
    assert [piece.message_finished for piece in pieces][-1:] == [True]
    assert len(frames) >= 2 * fragments + len(text.encode())


def test_fragments_by_their_bytes() -> None:
    """RFC 6455 section 5.7: "Hel" and "lo". A character may be cut."""
    assert fragmented_frames(2, TEXT, b"Hello") == b"\x01\x02He" + b"\x80\x03llo"
    assert fragmented_frames(3, TEXT, "ä!".encode()) == b"\x01\x01\xc3" + b"\x00\x01\xa4" + b"\x80\x01!"
    assert fragmented_frames(3, TEXT, b"") == b"\x01\x00" + b"\x00\x00" + b"\x80\x00"
    assert fragmented_frames(1, TEXT, b"Hello") == server_frame(TEXT, b"Hello")


@pytest.mark.parametrize("fragment", [2, 3, 50, 1000])
def test_the_real_client_puts_them_together(fragment: int) -> None:
    whole, pieces = Feed(Rules(heartbeat=1.0)).run(5), Feed(Rules(heartbeat=1.0, fragment=fragment)).run(5)
    assert pieces.messages == whole.messages
    assert pieces.was_left_alone


@pytest.mark.parametrize(("fragment", "whole"), [(0, True), (1, True), (2, False)])
def test_only_messages_of_streams_are_cut(fragment: int, *, whole: bool) -> None:
    client = PlainClient(exchange_with(Rules(heartbeat=0.125, fragment=fragment))).open(TARGET)
    client.raw = b""
    client.tick(0.125)
    beat = server_frame(TEXT, HEARTBEAT.encode())
    assert beat in client.raw
    data = client.raw.replace(beat, b"")
    assert data[0] == (0x81 if whole else 0x01)
