"""A simulated service that compresses, at the real client and at a plain one."""

from __future__ import annotations

import json

import pytest

from holdfast import Deflate, FeedOptions, Staleness
from holdfast.testing import Rules
from testing.link import PlainClient
from testing.ruled import Feed, exchange_with

COMPRESSES = Rules(compress=True)
SUBSCRIBE = '{"method":"SUBSCRIBE","params":["ethusdt@trade"],"id":1}'
OPTIONS: FeedOptions = {"compression": Deflate(threshold=1), "staleness": Staleness(after=None)}


def numbers(feed: Feed, stream: str) -> list[int]:
    parsed = [json.loads(message) for message in feed.messages]
    return [one["data"]["t"] for one in parsed if one.get("stream") == stream]


@pytest.mark.parametrize("fragment", [0, 3])
def test_every_message_arrives_once_and_in_order(fragment: int) -> None:
    feed = Feed(Rules(compress=True, fragment=fragment, heartbeat=0.7), options=OPTIONS, ping_interval=0.5).run(20)
    assert feed.was_left_alone
    for stream, rate in (("btcusdt@trade", 8), ("ethusdt@trade", 4)):
        seen = numbers(feed, stream)
        assert seen == list(range(seen[0], seen[0] + len(seen)))
        assert len(seen) >= rate * 20 - 1
    assert sum("heartbeat" in str(message) for message in feed.messages) >= 25
    assert feed.fleet.stats(20.0).received_bytes < sum(map(len, feed.messages)) / 2


@pytest.mark.parametrize(
    "compression",
    [
        Deflate(threshold=1, server_no_context_takeover=True),
        Deflate(threshold=1, client_no_context_takeover=True, server_max_window_bits=9, client_max_window_bits=9),
    ],
)
def test_what_the_client_asks_for_is_granted(compression: Deflate) -> None:
    options: FeedOptions = {**OPTIONS, "compression": compression, "on_open": [SUBSCRIBE]}
    feed = Feed(COMPRESSES, options=options, target="/stream?streams=btcusdt@trade").run(10)
    assert feed.was_left_alone
    assert '{"result":null,"id":1}' in feed.messages
    assert numbers(feed, "ethusdt@trade")


@pytest.mark.parametrize(("rules", "options"), [(COMPRESSES, None), (Rules(heartbeat=5.0), OPTIONS)])
def test_without_one_of_the_two_there_is_none(rules: Rules, options: FeedOptions | None) -> None:
    feed = Feed(rules, options=options).run(10)
    assert feed.was_left_alone
    assert feed.fleet.stats(10.0).received_bytes > sum(map(len, feed.messages))


def test_a_client_that_offers_nothing_is_answered_without_extensions() -> None:
    client = PlainClient(exchange_with(COMPRESSES)).open().tick(1.0)
    assert b"extensions" not in client.raw.lower()
    assert len(client.texts) > 5


def test_another_connection_begins_without_context() -> None:
    feed = Feed(Rules(compress=True, max_age=3.0), options=OPTIONS).run(20)
    assert len(feed.connections) > 3
    assert {record.closed_by for record in feed.connections[:-1]} == {"max_age"}
    assert len(numbers(feed, "btcusdt@trade")) > 50
