"""A service that ends connections on which nothing is said, and heartbeats that not everybody gets."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from wsproto.events import CloseConnection, Ping, TextMessage

from holdfast import ConfigError
from holdfast.testing import Client, Exchange, GoSilent, Publication, Rules, Service, Stream
from testing.link import PlainClient

IDLE = Rules(idle=(30.0, 4004, "No data received in 30s"))


class Quiet(Service):
    """Heartbeats are for those who have asked for anything; nothing is acknowledged."""

    def asked_by(self, target: str) -> Collection[str]:
        return [target] if target != "/" else []

    def answer(self, request: str, client: Client) -> list[str]:
        client.streams.add(request)
        return ["too many"] if client.is_one_too_many(2, 10.0) else []

    def message(self, publication: Publication, wall_time: float) -> str:
        return publication.stream


def client_of(rules: Rules, *, target: str = "/", rate: float = 0.1) -> PlainClient:
    exchange = Exchange([Stream("/a", rate)], service=Quiet(), rules=rules)
    exchange.start(0.0)
    return PlainClient(exchange).open(target)


def closed_by(client: PlainClient) -> str | None:
    return client.exchange.ledger.connections[0].closed_by


def test_who_says_nothing_is_cut() -> None:
    client = client_of(IDLE).tick(29.5)
    assert closed_by(client) is None
    client.tick(30.0)
    assert closed_by(client) == "idle"
    (close,) = [event for event in client.events if isinstance(event, CloseConnection)]
    assert (close.code, close.reason) == (4004, "No data received in 30s")


def test_any_text_of_the_client_keeps_it() -> None:
    client = client_of(IDLE).send(TextMessage("ping"), 20.0).tick(49.5)
    assert closed_by(client) is None
    assert closed_by(client.tick(50.0)) == "idle"


def test_a_ping_frame_does_not() -> None:
    assert closed_by(client_of(IDLE).send(Ping(), 20.0).tick(30.0)) == "idle"


def test_data_keeps_it() -> None:
    assert closed_by(client_of(IDLE, target="/a").tick(300.0)) is None


def test_data_that_does_not_go_out_does_not() -> None:
    client = client_of(IDLE, target="/a")
    client.exchange.strike(GoSilent(40.0), 1.0)
    client.tick(45.0)
    assert closed_by(client) == "idle"


def test_heartbeats_keep_it_where_they_are_meant_for_it() -> None:
    class Choosy(Quiet):
        def has_heartbeats(self, client: Client) -> bool:
            return bool(client.streams)

    rules = Rules(idle=IDLE.idle, heartbeat=5.0)
    exchange = Exchange([Stream("/b", 1)], service=Choosy(), rules=rules)
    exchange.start(0.0)
    client = PlainClient(exchange).open("/")
    assert client.tick(20.0).texts == []
    client.send(TextMessage("c"), 20.0).tick(100.0)
    assert len(client.texts) == 16
    assert closed_by(client) is None


def test_requests_are_counted_in_a_strict_window() -> None:
    client = client_of(Rules())
    for now, refused in ((0.0, 0), (5.0, 0), (9.5, 1), (10.0, 1), (14.5, 2), (15.0, 2)):
        assert len(client.send(TextMessage("x"), now).texts) == refused


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_an_idle_time_must_be_one(seconds: float) -> None:
    with pytest.raises(ConfigError, match=r"Rules.idle"):
        Rules(idle=(seconds, 1000, ""))
