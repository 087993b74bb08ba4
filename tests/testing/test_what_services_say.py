"""What a service of one's own can do to a connection: greet, answer at length, number its texts, keep rules, end it."""

from __future__ import annotations

import json
from collections.abc import Collection

import pytest
from wsproto.events import CloseConnection, TextMessage

from holdfast import ConfigError
from holdfast.testing import Client, Exchange, GoSilent, MuteData, Publication, Rules, Stream
from holdfast.testing.service import Service
from testing.link import PlainClient

QUARTERS = Stream("a", 4)
UNCOUNTED = ("error of at most 7 at 1000.75",)


class Wordy(Service):
    """Repeats what it knows of a client."""

    rules = Rules(max_streams=7, heartbeat=1.0, ping_interval=2.0, pong_timeout=3.0)

    def asked_by(self, target: str) -> Collection[str]:
        return target.removeprefix("/").split(",")

    def greeting(self, client: Client) -> list[str]:
        return [f"welcome to {client.target} at {client.wall_time}", *sorted(client.streams)]

    def answer(self, request: str, client: Client) -> list[str]:
        if request == "bye":
            client.ending = (4000, "as you wish")
        return [f"{request} of at most {client.max_streams} at {client.wall_time}", str(client.latest("a"))]

    def message(self, publication: Publication, wall_time: float) -> str:
        return f"{publication.stream}{publication.sequence}"

    def heartbeat(self, number: int) -> str:
        return f"beat {number}"

    def numbered(self, text: str, number: int) -> str:
        return text if text in UNCOUNTED else json.dumps([number, text])

    def counts(self, text: str) -> bool:
        return text not in UNCOUNTED


def client_of(*, rules: Rules | None = None, target: str = "/b") -> PlainClient:
    exchange = Exchange([QUARTERS], service=Wordy(), rules=rules)
    exchange.start(0.0, wall_offset=1000.0)
    return PlainClient(exchange).open(target, now=0.5)


def texts_of(client: PlainClient) -> list[str]:
    """Their numbers are those of the connection, without a hole."""
    numbers, texts = zip(*(json.loads(text) for text in client.texts), strict=True)
    assert list(numbers) == list(range(len(texts)))
    return list(texts)


def test_a_greeting_comes_first() -> None:
    assert texts_of(client_of(target="/c,b")) == ["welcome to /c,b at 1000.5", "b", "c"]


def test_all_replies_come_in_order() -> None:
    client = client_of(rules=Rules(max_streams=7)).send(TextMessage("hello"), 1.0)
    last = Publication("a", 4, 1.0)
    assert texts_of(client)[2:] == ["hello of at most 7 at 1001.0", str(last)]
    assert Wordy().message(last, 0) == "a4"


def test_before_the_first_publication_there_is_no_latest() -> None:
    exchange = Exchange([Stream("a", 0.01)], service=Wordy(), rules=Rules())
    exchange.start(0.0)
    assert texts_of(PlainClient(exchange).open("/b").send(TextMessage("hello")))[-1] == "None"


def test_a_service_can_end_a_connection_after_its_reply() -> None:
    client = client_of().send(TextMessage("bye"), 0.75)
    assert texts_of(client)[2].startswith("bye of")
    (close,) = [event for event in client.events if isinstance(event, CloseConnection)]
    assert (close.code, close.reason) == (4000, "as you wish")


def test_texts_of_all_kinds_are_numbered_together() -> None:
    rules = Rules(heartbeat=1.0, max_age=2.0, notice="soon", notice_before=0.25)
    client = client_of(rules=rules, target="/a").tick(2.375).send(TextMessage("hello"), 2.375)
    texts = texts_of(client)
    assert texts[:2] == ["welcome to /a at 1000.5", "a"]
    assert texts[2:-2] == ["a3", "a4", "a5", "a6", "beat 1", "a7", "a8", "a9", "soon"]
    assert texts[-2].startswith("hello")


def test_what_does_not_count_leaves_no_hole() -> None:
    client = client_of().send(TextMessage("error"), 0.75).send(TextMessage("hello"), 0.75)
    assert client.texts[2] in UNCOUNTED
    assert [json.loads(text)[0] for text in (*client.texts[:2], *client.texts[3:])] == list(
        range(len(client.texts) - 1)
    )


def test_what_was_kept_back_has_no_number() -> None:
    client = client_of(target="/a")
    client.exchange.strike(MuteData(1.0), 0.5)
    client.exchange.strike(GoSilent(0.25), 1.25)
    assert texts_of(client.tick(2.0))[2:] == ["a6", "beat 1", "a7", "a8"]


def test_connections_are_numbered_apart() -> None:
    exchange = Exchange([QUARTERS], service=Wordy(), rules=Rules())
    exchange.start(0.0)
    first = PlainClient(exchange, 0.0, 1).open("/a", 0.0).tick(1.0)
    second = PlainClient(exchange, 1.0, 2).open("/b", 1.0)
    assert (len(texts_of(first)), len(texts_of(second))) == (6, 2)


def test_a_service_has_its_own_rules() -> None:
    assert texts_of(client_of().send(TextMessage("hello"), 0.75))[2] == "hello of at most 7 at 1000.75"
    client = client_of().tick(6.0)
    assert client.exchange.ledger.connections[0].closed_by == "pong_timeout"


def test_an_exchange_can_have_others() -> None:
    client = client_of(rules=Rules()).tick(60.0)
    assert texts_of(client)[2:] == []
    assert client.exchange.ledger.connections[0].closed_by is None


def test_pings_of_the_rules_yield_to_those_of_the_exchange() -> None:
    exchange = Exchange([QUARTERS], service=Wordy(), ping_interval=10.0)
    exchange.start(0.0)
    client = PlainClient(exchange).open("/b").tick(12.75)
    assert client.exchange.ledger.connections[0].closed_by is None
    client.tick(13.0)
    assert client.exchange.ledger.connections[0].closed_by == "pong_timeout"


def test_a_pong_needs_a_ping() -> None:
    with pytest.raises(ConfigError, match="there is no ping"):
        Exchange([QUARTERS], rules=Rules(pong_timeout=3.0))


def test_what_each_open_connection_is_subscribed_to_can_be_seen() -> None:
    class Silent(Wordy):
        """Acknowledges a stream that never comes."""

        def answer(self, request: str, client: Client) -> list[str]:
            client.mute.add(request)
            return []

    exchange = Exchange([QUARTERS], service=Silent())
    exchange.start(0.0)
    client = PlainClient(exchange).open("/a,b", now=0.5)
    assert exchange.subscriptions == {client.conn: {"a", "b"}}
    client.send(TextMessage("c"), 1.0)
    assert exchange.subscriptions == {client.conn: {"a", "b", "c"}}
    client.send(CloseConnection(1000), 1.5)
    assert exchange.subscriptions == {}
