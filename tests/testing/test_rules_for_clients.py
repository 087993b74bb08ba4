"""Rules that a client can break: whoever breaks one is closed or refused, whoever keeps it is left alone."""

from __future__ import annotations

import json
import math

import pytest
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, RejectConnection, TextMessage

from holdfast import ConfigError, ConnectFailed, DialWindow, Disconnected, Keepalive, RetryScheduled
from holdfast.testing import Abort, Client, CombinedStreams, Exchange, Finish, GoSilent, Reset, Rules
from holdfast.testing.server_connection import CLOSE_TIMEOUT
from holdfast.wire import client_frame
from holdfast.wire.frames import CONTINUATION, TEXT
from testing.link import STREAMS, TARGET, PlainClient
from testing.ruled import Feed, exchange_with

LIST = '{"method":"LIST_SUBSCRIPTIONS","id":1}'
SUBSCRIBE = '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}'


def close_of(client: PlainClient) -> CloseConnection | None:
    closes = [event for event in client.events if isinstance(event, CloseConnection)]
    return closes[0] if closes else None


def pings_of(client: PlainClient) -> list[Ping]:
    return [event for event in client.events if isinstance(event, Ping)]


def closed_by(client: PlainClient) -> str | None:
    return next(record.closed_by for record in client.exchange.ledger.connections if record.conn == client.conn)


def assert_cut(client: PlainClient, rule: str, reason: str) -> None:
    close = close_of(client)
    assert close is not None
    assert (close.code, close.reason, closed_by(client)) == (1008, reason, rule)


# pong_timeout


PONGS = Rules(pong_timeout=2.0)


def test_a_client_that_does_not_answer_a_ping_is_closed() -> None:
    client = PlainClient(exchange_with(PONGS, ping_interval=5.0)).open().tick(6.75)
    assert (len(pings_of(client)), close_of(client)) == (1, None)
    client.tick(7.0)
    assert_cut(client, "pong_timeout", "pong timeout")
    assert client.exchange.ledger.connections[0].closed_at == 7.0


def test_a_client_that_does_not_answer_the_close_either_is_reset() -> None:
    client = PlainClient(exchange_with(PONGS, ping_interval=5.0)).open().tick(7.0)
    assert client.ended is None
    assert client.tick(7.0 + CLOSE_TIMEOUT).ended is Abort


def test_a_client_that_answers_the_close_is_let_go() -> None:
    client = PlainClient(exchange_with(PONGS, ping_interval=5.0)).open().tick(7.0)
    close = close_of(client)
    assert close is not None
    assert client.send(close.response(), 7.5).ended is Finish


def test_no_other_rule_closes_it_again() -> None:
    rules = Rules(pong_timeout=2.0, max_age=8.0)
    client = PlainClient(exchange_with(rules, ping_interval=5.0)).open().tick(9.0)
    assert_cut(client, "pong_timeout", "pong timeout")


@pytest.mark.parametrize("payload", [b"", b"2", b"other"])
def test_a_pong_with_another_payload_is_no_answer(payload: bytes) -> None:
    client = PlainClient(exchange_with(PONGS, ping_interval=5.0)).open().tick(5.0)
    client.send(Pong(payload), 6.0).tick(7.0)
    assert_cut(client, "pong_timeout", "pong timeout")


def test_a_pong_answers_the_earlier_pings_and_none_that_follow() -> None:
    client = PlainClient(exchange_with(Rules(pong_timeout=3.0), ping_interval=1.0)).open().tick(3.0)
    first, second, third = pings_of(client)
    assert len({bytes(ping.payload) for ping in (first, second, third)}) == 3
    client.send(second.response(), 3.0).tick(5.75)
    assert close_of(client) is None
    client.tick(6.0)  # three seconds after the third
    assert_cut(client, "pong_timeout", "pong timeout")


def test_a_pong_for_a_ping_that_was_answered_answers_nothing() -> None:
    client = PlainClient(exchange_with(Rules(pong_timeout=3.0), ping_interval=2.0)).open().tick(4.0)
    first, second = pings_of(client)
    client.send(second.response(), 4.0).tick(6.0)
    client.send(first.response(), 6.5).send(second.response(), 6.5).tick(9.0)
    assert_cut(client, "pong_timeout", "pong timeout")


def test_a_client_that_answers_every_ping_is_left_alone() -> None:
    client = PlainClient(exchange_with(PONGS, ping_interval=5.0)).open()
    for number in range(1, 9):
        client.tick(number * 5.0).send(pings_of(client)[-1].response(), number * 5.0 + 1.75)
    assert (close_of(client), client.exchange.open_connections) == (None, 1)
    assert len(pings_of(client)) == 8


def test_a_ping_that_was_held_back_needs_no_answer() -> None:
    client = PlainClient(exchange_with(PONGS, (4.0, GoSilent(3.0)), ping_interval=5.0)).open().tick(9.75)
    assert (pings_of(client), close_of(client)) == ([], None)


def test_the_real_client_answers_in_time() -> None:
    feed = Feed(Rules(pong_timeout=0.5), ping_interval=1.0).run(20)
    assert feed.was_left_alone
    assert feed.connections[0].pongs >= 19


def test_pongs_need_pings() -> None:
    with pytest.raises(ConfigError, match="ping_interval"):
        Exchange(STREAMS, rules=PONGS)


# message_limit


FIVE = Rules(message_limit=(5, 1.0))


@pytest.mark.parametrize("event", [Ping(b"x"), Pong(b"x"), TextMessage(LIST), BytesMessage(b"x")])
def test_a_client_that_says_too_much_is_closed(event: Event) -> None:
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    for number in range(5):
        client.send(event, 0.1 * number)
    assert close_of(client) is None
    client.send(event, 0.9)
    assert_cut(client, "message_limit", "too many requests")


def test_the_message_over_the_limit_is_not_answered() -> None:
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    for _ in range(6):
        client.send(TextMessage(LIST))
    assert len(client.texts) == 5


class Listening(CombinedStreams):
    """Notes what it was asked."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def answer(self, request: str, client: Client) -> list[str]:
        self.requests.append(request)
        return super().answer(request, client)


def test_nothing_behind_the_message_over_the_limit_is_read() -> None:
    service = Listening()
    exchange = Exchange(STREAMS, service=service, rules=FIVE)
    exchange.start(0.0)
    client = PlainClient(exchange).open("/stream")
    for _ in range(5):
        client.send(TextMessage(LIST))
    begin, end = LIST[:9].encode(), LIST[9:].encode()
    one_too_many = bytes((TEXT, 0x80 | len(begin), *bytes(4))) + begin + client_frame(CONTINUATION, end, bytes(4))
    exchange.received(client.conn, one_too_many + client_frame(TEXT, LIST.encode(), bytes(4)), 0.5)
    assert closed_by(client) == "message_limit"
    assert service.requests == [LIST] * 5


def test_all_kinds_of_messages_count_together() -> None:
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    for event in (Ping(), Pong(), TextMessage(LIST), Pong(), Ping()):
        client.send(event)
    assert close_of(client) is None
    client.send(TextMessage(LIST), 0.5)
    assert_cut(client, "message_limit", "too many requests")


def test_the_window_rolls() -> None:
    """Four late in one second and two early in the next are six in one second."""
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    for now in (0.0, 0.75, 0.75, 0.75, 0.75, 1.0):
        client.send(Ping(), now)
    assert close_of(client) is None
    client.send(Ping(), 1.5)
    assert_cut(client, "message_limit", "too many requests")


def test_a_client_at_the_limit_is_left_alone() -> None:
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    for number in range(100):
        client.send(Ping(), 0.25 * (number // 5 * 4))
    assert close_of(client) is None
    assert client.exchange.ledger.connections[0].answered == 100


def test_a_message_in_pieces_is_one() -> None:
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    for piece in LIST[:-1]:
        client.send(TextMessage(piece, message_finished=False))
    client.send(TextMessage(LIST[-1]))
    assert close_of(client) is None
    assert len(client.texts) == 1


def test_who_goes_on_talking_is_closed_once() -> None:
    client = PlainClient(exchange_with(FIVE)).open("/stream")
    client.exchange.strike(GoSilent(2.0), 0.0)  # the close frame is held back, so that the client does not know
    for number in range(40):
        client.send(Ping(), 0.1 * number)
    assert client.tick(2.0 + CLOSE_TIMEOUT).ended is Abort


@pytest.mark.parametrize(("said", "codes"), [(5, []), (6, [1008])])
def test_the_real_client_and_the_message_limit(said: int, codes: list[int]) -> None:
    feed = Feed(FIVE, options={"on_open": [LIST] * said, "keepalive": Keepalive(interval=None)}).run(0.2)
    assert [item.failure.code for item in feed.items if isinstance(item, Disconnected)] == codes
    assert feed.connections[0].closed_by == ("message_limit" if codes else None)


def test_pings_and_pongs_of_the_real_client_keep_to_it() -> None:
    assert Feed(FIVE, ping_interval=0.5).run(30).was_left_alone


# subscribe_within


SOON = Rules(subscribe_within=5.0)


def test_a_client_that_wants_nothing_is_closed() -> None:
    client = PlainClient(exchange_with(SOON)).open("/stream", 1.0)
    client.send(TextMessage(LIST), 2.0).send(Ping(), 3.0).tick(5.75)
    assert close_of(client) is None
    client.tick(6.0)
    assert_cut(client, "subscribe_within", "subscribe first")


def test_a_client_that_subscribes_in_time_is_left_alone() -> None:
    client = PlainClient(exchange_with(SOON)).open("/stream").send(TextMessage(SUBSCRIBE), 4.75).tick(60.0)
    assert (close_of(client), closed_by(client)) == (None, None)


def test_a_client_that_asked_in_its_url_has_subscribed() -> None:
    client = PlainClient(exchange_with(SOON)).open(TARGET).tick(60.0)
    assert (close_of(client), closed_by(client)) == (None, None)


@pytest.mark.parametrize(("target", "on_open"), [("/stream", [SUBSCRIBE]), (TARGET, [])])
def test_the_real_client_subscribes_in_time(target: str, on_open: list[str]) -> None:
    assert Feed(SOON, options={"on_open": on_open}, target=target).run(20).was_left_alone


# dial_limit


def dial(exchange: Exchange, conn: int, now: float) -> PlainClient:
    return PlainClient(exchange, now, conn).open("/stream", now)  # no streams: what is sent is for this client


def refusal_of(client: PlainClient) -> tuple[int, list[bytes]]:
    (rejection,) = [event for event in client.events if isinstance(event, RejectConnection)]
    return rejection.status_code, [value for name, value in rejection.headers if name.lower() == b"retry-after"]


@pytest.mark.parametrize(("retry_after", "headers"), [(30, [b"30"]), (None, [])])
def test_too_many_dials_are_refused(retry_after: int | None, headers: list[bytes]) -> None:
    exchange = exchange_with(Rules(dial_limit=(2, 10.0, retry_after)))
    assert dial(exchange, 1, 0.0).is_open
    assert dial(exchange, 2, 9.0).is_open
    third = dial(exchange, 3, 9.75)
    assert refusal_of(third) == (429, headers)
    assert third.ended is Finish
    assert (exchange.ledger.dials_over_limit, exchange.open_connections) == (1, 2)


def test_refused_dials_count_as_well() -> None:
    exchange = exchange_with(Rules(dial_limit=(1, 10.0, None)))
    opened = [dial(exchange, conn, now).is_open for conn, now in enumerate((0.0, 9.0, 18.0, 28.0))]
    assert opened == [True, False, False, True]


def test_dials_at_the_limit_are_welcome() -> None:
    exchange = exchange_with(Rules(dial_limit=(2, 10.0, None)))
    assert all(dial(exchange, conn, conn // 2 * 10.0).is_open for conn in range(20))
    assert exchange.ledger.dials_over_limit == 0


def test_the_real_client_waits_as_it_is_told() -> None:
    feed = Feed(Rules(dial_limit=(1, 5.0, 6)), (3.0, Reset())).run(20)
    failed = [item.failure for item in feed.items if isinstance(item, ConnectFailed)]
    (wait,) = [item.delay for item in feed.items if isinstance(item, RetryScheduled) and item.failure.status == 429]
    assert [(failure.status, failure.header("retry-after")) for failure in failed] == [(429, "6")]
    assert wait >= 6
    assert feed.fleet.is_open


def test_the_real_client_with_the_same_window_never_dials_too_often() -> None:
    resets = [(0.5 * number, Reset()) for number in range(1, 120)]
    feed = Feed(Rules(dial_limit=(3, 10.0, None)), *resets, options={"dial_window": DialWindow(3, 10.0)}).run(60)
    assert feed.exchange.ledger.dials_over_limit == 0
    assert len(feed.connections) >= 15


# max_streams


def subscribe(*names: str) -> TextMessage:
    return TextMessage(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}))


def test_more_streams_than_allowed_are_refused() -> None:
    client = PlainClient(exchange_with(Rules(max_streams=2))).open("/stream")
    client.send(subscribe("a", "b")).send(subscribe("c")).send(subscribe("a")).send(TextMessage(LIST))
    done, refused, again, listed = client.texts
    assert json.loads(done)["result"] is json.loads(again)["result"] is None
    assert "at most 2 streams" in json.loads(refused)["error"]["msg"]
    assert json.loads(listed)["result"] == ["a", "b"]


def test_the_rule_can_be_wider_than_the_service() -> None:
    client = PlainClient(exchange_with(Rules(max_streams=2000))).open("/stream")
    client.send(subscribe(*(f"s{number}" for number in range(1500))))
    assert json.loads(client.texts[0]) == {"result": None, "id": 1}


@pytest.mark.parametrize(("target", "welcome"), [("a/b", True), ("a/b/b", True), ("a/b/c", False)])
def test_a_url_with_more_streams_is_refused(target: str, *, welcome: bool) -> None:
    client = PlainClient(exchange_with(Rules(max_streams=2))).open(f"/stream?streams={target}")
    assert client.is_open is welcome
    assert welcome or refusal_of(client) == (400, [])


# All together


def test_binances_rules_leave_the_real_client_alone() -> None:
    rules = Rules(
        pong_timeout=60.0, message_limit=(5, 1.0), dial_limit=(300, 300.0, 60), max_streams=1024, subscribe_within=5.0
    )
    assert Feed(rules, ping_interval=20.0).run(600).was_left_alone


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ({"pong_timeout": 0.0}, "pong_timeout"),
        ({"max_age": math.inf}, "max_age"),
        ({"heartbeat": -1.0}, "heartbeat"),
        ({"subscribe_within": math.nan}, "subscribe_within"),
        ({"message_limit": (0, 1.0)}, "message_limit"),
        ({"message_limit": (5, 0.0)}, "message_limit"),
        ({"dial_limit": (1, -1.0, None)}, "dial_limit"),
        ({"max_streams": -1}, "max_streams"),
        ({"fragment": -1}, "fragment"),
        ({"notice": "bye"}, "notice_before"),
        ({"notice": "bye", "notice_before": 5.0, "max_age": 5.0}, "notice_before"),
        ({"notice": "bye", "notice_before": -1.0, "max_age": 5.0}, "notice_before"),
    ],
)
def test_impossible_rules_are_refused(rules: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigError, match=f"Rules.{name} = "):
        Rules(**rules)  # type: ignore[arg-type]
