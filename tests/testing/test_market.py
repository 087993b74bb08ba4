"""What an exchange publishes, whether or not anybody listens, and what its ledger keeps of it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import ConfigError, LocalProtocolError
from holdfast.testing import Exchange, Market, Publication, Stream
from testing.link import STREAMS, PlainClient


def published(exchange: Exchange) -> list[Publication]:
    return list(exchange.ledger.publications)


def test_every_stream_keeps_its_rate_without_a_listener() -> None:
    exchange = Exchange([Stream("a@trade", 45), Stream("b@trade", 0.5)])
    exchange.start(100.0)
    exchange.tick(110.0)
    assert exchange.ledger.counts == {"a@trade": 450, "b@trade": 5}


def test_numbers_have_no_holes_and_times_no_disorder() -> None:
    exchange = Exchange(STREAMS)
    exchange.start(0.0)
    exchange.tick(7.0)
    for stream in STREAMS:
        numbers = [one.sequence for one in published(exchange) if one.stream == stream.name]
        assert numbers == list(range(1, round(7 * stream.rate) + 1))
    times = [one.at for one in published(exchange)]
    assert times == sorted(times)
    assert all(0 < time <= 7 for time in times)


@given(st.lists(st.integers(0, 40), max_size=30))
def test_it_does_not_matter_when_it_is_ticked(quarters: list[int]) -> None:
    ticked, late = Exchange(STREAMS), Exchange(STREAMS)
    ticked.start(0.0)
    late.start(0.0)
    for quarter in quarters:  # early, spurious, even backwards
        ticked.tick(quarter / 4)
    ticked.tick(10.0)
    late.tick(10.0)
    assert published(ticked) == published(late)
    assert ticked.next_deadline() == late.next_deadline() > 10.0


def test_messages_can_be_flushed_together() -> None:
    each, together = Exchange(STREAMS), Exchange(STREAMS, flush_every=0.5)
    for exchange in (each, together):
        exchange.start(0.0)
    client = PlainClient(together).open().tick(0.99)
    assert len(client.texts) == 6
    client.tick(10.0)
    each.tick(10.0)
    assert published(together) == published(each)
    assert len(client.texts) == 120
    assert together.published_at("btcusdt@trade", 1) == 0.5
    assert each.published_at("btcusdt@trade", 1) == 0.125


def test_nothing_is_published_after_the_close() -> None:
    exchange = Exchange(STREAMS)
    exchange.start(0.0)
    exchange.stop_publishing(2.0)
    at_close = published(exchange)
    exchange.tick(50.0)
    assert published(exchange) == at_close
    assert len(at_close) == 24
    assert exchange.next_deadline() == math.inf


def test_the_ledger_is_bounded_and_says_what_it_forgot() -> None:
    exchange = Exchange(STREAMS, ledger_size=10)
    exchange.start(0.0)
    exchange.tick(2.0)
    assert [one.at for one in published(exchange)][-1] == 2.0
    assert len(published(exchange)) == 10
    assert exchange.ledger.forgotten == 14
    assert exchange.ledger.counts.total() == 24


def test_a_market_without_streams_is_quiet() -> None:
    exchange = Exchange([])
    exchange.start(0.0)
    assert exchange.next_deadline() == math.inf


def test_messages_are_those_of_the_service() -> None:
    exchange = Exchange([Stream("btcusdt@trade", 2)])
    exchange.start(10.0, wall_offset=1_700_000_000.0)
    client = PlainClient(exchange, 10.0).open("/stream?streams=btcusdt@trade", 10.0).tick(11.0)
    parsed = [json.loads(text) for text in client.texts]
    assert [one["stream"] for one in parsed] == ["btcusdt@trade"] * 2
    assert [{**one["data"], "p": "?"} for one in parsed] == [
        {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "?", "T": 1_700_000_010_500},
        {"e": "trade", "s": "BTCUSDT", "t": 2, "p": "?", "T": 1_700_000_011_000},
    ]
    assert all(float(one["data"]["p"]) > 0 for one in parsed)


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf])
def test_a_rate_is_a_positive_number(rate: float) -> None:
    with pytest.raises(ConfigError, match="rate"):
        Stream("a@trade", rate)


def test_streams_have_different_names() -> None:
    with pytest.raises(ConfigError, match="repeat a name"):
        Market([Stream("a@trade", 1), Stream("a@trade", 2)])


def test_time_never_runs_backwards() -> None:
    exchange = Exchange(STREAMS)
    exchange.start(0.0)
    exchange.tick(5.0)
    exchange.accepted(1, 3.0)
    assert exchange.ledger.connections[0].accepted_at == 5.0


def test_an_exchange_starts_once() -> None:
    exchange = Exchange(STREAMS)
    exchange.start(0.0)
    with pytest.raises(LocalProtocolError, match="twice"):
        exchange.start(1.0)
    assert exchange.next_deadline() < 1
