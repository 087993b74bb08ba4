"""Streams of a service that forgets, refuses, falls silent or does not answer."""

from __future__ import annotations

import pytest

from helpers.combined import STRICT, service
from helpers.raw_exchange import at_exchange, logging
from helpers.reading_items import anext_of
from helpers.sea import LoseReplies
from helpers.simulated import START, SimulatedBackend
from holdfast import (
    Backoff,
    Cause,
    ConfigError,
    Connected,
    Disconnected,
    Gap,
    Patience,
    Stale,
    Staleness,
    StreamRefused,
    Subscribed,
    Subscribing,
    SubscriptionRefused,
    Unsubscribed,
    Update,
)
from holdfast.dialects import binance, kraken
from holdfast.testing import Client, CombinedStreams, Exchange, Reset, Rules, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.services.kraken import Kraken

QUICK = Backoff(initial=0.5, maximum=0.5)
MINUTE = 60.0  # of simulated time
TRADES = ("btcusdt@trade", "ethusdt@trade", "xrpusdt@trade")


def spot(*streams: str, rules: Rules | None = None) -> Exchange:
    return Exchange([Stream(name, 2.0) for name in streams], service=BinanceSpot(), rules=rules)


def test_what_a_service_lost_after_a_reconnect_is_found_by_asking_it(backend: SimulatedBackend):
    async def test() -> None:
        async with at_exchange(backend, spot(*TRADES)) as host:
            wanted = binance.spot(*TRADES, endpoint=f"{host.url}/stream")
            subscribing = Subscribing(audit_every=10.0)
            async with backend.open_feed(wanted, backoff=QUICK, subscribing=subscribing) as feed:
                async with logging(backend, feed) as log:
                    await feed.subscribed()
                    host.strike(Reset())
                    await backend.sleep(3)
                    host.forget(TRADES[1])
                    before = log.count(TRADES[1])
                    await backend.sleep(15)
                    assert host.held == [frozenset(TRADES)]
                    assert log.count(TRADES[1]) > before
                    assert [gap.stream for gap in log.of(Gap)] == [None, TRADES[1]]
                    assert len(log.of(Connected)) == 2

    backend.run(test, within=MINUTE)


def test_what_a_service_acknowledged_and_never_brings_is_asked_for_again(backend: SimulatedBackend):
    """After a reconnect it says yes, and has no such subscription. It cannot be asked what it has."""

    class Forgetful(Kraken):
        def answer(self, request: str, client: Client) -> list[str]:
            replies = super().answer(request, client)
            client.streams.difference_update(forgets)
            return replies

    streams = ("trade:BTC/USD", "trade:ETH/USD")
    forgets: set[str] = set()

    async def test() -> None:
        exchange = Exchange([Stream(name, 2.0) for name in streams], service=Forgetful())
        async with at_exchange(backend, exchange) as host:
            wanted = kraken.v2(*streams, endpoint=f"{host.url}/v2")
            async with backend.open_feed(wanted, backoff=QUICK, patience={"*": Patience(first=5, silence=5)}) as feed:
                async with logging(backend, feed) as log:
                    await feed.subscribed()
                    forgets.add(streams[0])
                    host.strike(Reset())
                    await backend.sleep(4)
                    assert feed.streams == dict.fromkeys(streams, "subscribed")
                    assert host.held == [frozenset(streams[1:])]
                    forgets.clear()
                    await backend.sleep(6)
                    assert [event.stream for event in log.of(Stale)] == [streams[0]]
                    assert host.held == [frozenset(streams)]
                    assert len(log.of(Connected)) == 2

    backend.run(test, within=MINUTE)


@pytest.mark.parametrize("rotation", [True, False])
def test_where_acknowledgements_never_come_the_connection_is_replaced(backend: SimulatedBackend, rotation: bool):
    async def test() -> None:
        async with at_exchange(backend, spot(*TRADES)) as host:
            wanted = binance.spot(endpoint=f"{host.url}/stream")
            options = {} if rotation else {"rotation": None}
            subscribing = Subscribing(ack_timeout=2.0, max_asks=2)
            async with backend.open_feed(wanted, backoff=QUICK, subscribing=subscribing, **options) as feed:
                async with logging(backend, feed) as log:
                    await backend.until(lambda: feed.is_open)
                    host.strike(LoseReplies(60.0))
                    feed.subscribe(*TRADES)
                    with pytest.raises(TimeoutError):
                        await feed.subscribed(timeout=1.0)
                    assert set(feed.streams.values()) == {"asked"}
                    await feed.subscribed()
                    assert backend.now() < START + 10
                    await backend.sleep(3)
                    assert host.held == [frozenset(TRADES)]
                    causes = [event.failure.cause for event in log.of(Disconnected)]
                    assert causes == ([] if rotation else [Cause.UNACKNOWLEDGED])
                    assert len(log.of(Connected)) == 2

    backend.run(test, within=MINUTE)


def test_one_stream_of_several_that_falls_silent_is_mended_alone(backend: SimulatedBackend):
    async def test() -> None:
        async with at_exchange(backend, spot(*TRADES)) as host:
            wanted = binance.spot(*TRADES, endpoint=f"{host.url}/stream")
            async with backend.open_feed(wanted, patience={"*@trade": Patience(first=5, silence=5)}) as feed:
                async with logging(backend, feed) as log:
                    await feed.subscribed()
                    await backend.sleep(2)
                    host.forget(TRADES[0])
                    before = log.count(TRADES[0])
                    await backend.sleep(8)
                    assert [event.stream for event in log.of(Stale)] == [TRADES[0]]
                    [gap] = log.of(Gap)
                    assert (gap.stream, gap.cause.cause) == (TRADES[0], Cause.STREAM_SILENT)
                    assert log.count(TRADES[0]) > before
                    assert log.count(TRADES[1]) >= 19, "the others are not disturbed"
                    assert len(log.of(Connected)) == 1

    backend.run(test, within=MINUTE)


def test_heartbeats_and_acknowledgements_are_no_data(backend: SimulatedBackend):
    """Once a second Kraken says that it lives; of the stream comes nothing."""

    async def test() -> None:
        stream = "trade:BTC/USD"
        exchange = Exchange([Stream(stream, 2.0)], service=Kraken(), rules=Rules(heartbeat=1.0, silent={stream}))
        async with at_exchange(backend, exchange) as host:
            wanted = kraken.v2(stream, endpoint=f"{host.url}/v2")
            staleness = Staleness(after=10.0, reconnect=True)
            async with backend.open_feed(wanted, backoff=QUICK, staleness=staleness) as feed:
                async with logging(backend, feed) as log:
                    await feed.subscribed()
                    await backend.sleep(9)
                    assert (feed.stats().data_age, feed.stats().byte_age) == (None, pytest.approx(0, abs=1.1))
                    assert log.of(Stale) == []
                    await backend.sleep(2)
                    assert [event.silent for event in log.of(Stale)] == [pytest.approx(10, abs=0.1)]
                    assert [event.failure.cause for event in log.of(Disconnected)] == [Cause.NO_DATA]
                    assert log.of(Update) == []

    backend.run(test, within=MINUTE)


@pytest.mark.parametrize("at_once", [True, False])
def test_many_subscriptions_keep_within_the_window_of_messages(backend: SimulatedBackend, at_once: bool):
    """The server cuts whoever sends more than 5 messages in a second; each request is for one stream."""
    streams = tuple(f"s{number}@trade" for number in range(30))

    async def test() -> None:
        rules = Rules(message_limit=(5, 1.0), ping_interval=2.0, pong_timeout=1.0)
        exchange = Exchange([Stream(name, 1.0) for name in streams], service=CombinedStreams(), rules=rules)
        async with at_exchange(backend, exchange) as host:
            url = f"{host.url}/stream"
            wanted = service(*streams, url=url, limits=STRICT, batch=1) if at_once else service(url=url, limits=STRICT)
            async with backend.open_feed(wanted, backoff=QUICK) as feed:
                async with logging(backend, feed) as log:
                    if not at_once:
                        for stream in streams:
                            feed.subscribe(stream)
                            await backend.sleep(0.05)
                    await feed.subscribed(timeout=15)
                    host.strike(Reset())
                    await backend.until(lambda: not feed.is_open)
                    await feed.subscribed(timeout=15)
                    assert host.held == [frozenset(streams)]
                    assert host.closed_by == []
                    assert len(log.of(Connected)) == 2

    backend.run(test, within=MINUTE)


def test_whoever_does_not_keep_within_it_is_cut(backend: SimulatedBackend):
    """So the test above can fail."""
    streams = tuple(f"s{number}@trade" for number in range(30))

    async def test() -> None:
        exchange = Exchange([Stream(name, 1.0) for name in streams], rules=Rules(message_limit=(5, 1.0)))
        async with at_exchange(backend, exchange) as host:
            wanted = service(*streams, url=f"{host.url}/stream", limits=STRICT, batch=1)
            async with backend.open_feed(wanted, message_window=None):
                await backend.until(lambda: host.closed_by)
                assert host.closed_by == ["message_limit"]

    backend.run(test, within=MINUTE)


def test_a_stream_that_is_refused_does_no_harm_to_others(backend: SimulatedBackend):
    async def test() -> None:
        streams = ("trade:BTC/USD", "trade:NO/PE")
        exchange = Exchange([Stream(streams[0], 2.0)], service=Kraken(["BTC/USD"]))
        async with at_exchange(backend, exchange) as host:
            async with backend.open_feed(kraken.v2(*streams, endpoint=f"{host.url}/v2"), backoff=QUICK) as feed:
                async with logging(backend, feed) as log:
                    with pytest.raises(StreamRefused, match="trade:NO/PE"):
                        await feed.subscribed()
                    await backend.sleep(5)
                    assert feed.streams == {streams[0]: "subscribed", streams[1]: "refused"}
                    [refusal] = log.of(SubscriptionRefused)
                    assert (refusal.stream, refusal.reason) == (streams[1], "Currency pair not supported NO/PE")
                    assert log.count(streams[0]) >= 9
                    assert len(log.of(Connected)) == 1

    backend.run(test, within=MINUTE)


def test_streams_come_and_go_while_connected(backend: SimulatedBackend):
    async def test() -> None:
        async with at_exchange(backend, spot(*TRADES)) as host:
            async with backend.open_feed(binance.spot(TRADES[0], endpoint=f"{host.url}/stream")) as feed:
                async with logging(backend, feed) as log:
                    await feed.subscribed()
                    feed.subscribe(*TRADES[1:])
                    feed.unsubscribe(TRADES[0])
                    await feed.subscribed(*TRADES[1:])
                    await backend.sleep(1)
                    assert host.held == [frozenset(TRADES[1:])]
                    assert [event.streams for event in log.of(Unsubscribed)] == [(TRADES[0],)]
                    assert [event.streams for event in log.of(Subscribed)] == [(TRADES[0],), TRADES[1:]]

    backend.run(test, within=MINUTE)


def test_who_waits_for_a_stream_that_is_wanted_no_more_is_told_and_nobody_else(backend: SimulatedBackend):
    async def test() -> None:
        async with at_exchange(backend, spot(*TRADES)) as host:
            async with backend.open_feed(binance.spot(TRADES[0], endpoint=f"{host.url}/stream")) as feed:
                await feed.subscribed()
                host.strike(LoseReplies(60.0))
                feed.subscribe(TRADES[1])
                raised: list[Exception] = []

                async def wait() -> None:
                    try:
                        await feed.subscribed(TRADES[1])
                    except ConfigError as error:
                        raised.append(error)

                async with backend.tasks() as tasks:
                    tasks.start(wait)
                    await backend.sleep(1)
                    feed.unsubscribe(TRADES[1])
                    feed.subscribe(TRADES[2])
                    await backend.sleep(0.01)
                    assert f"{TRADES[1]}: not wanted, or not any more" in str(raised[0])
                assert set(feed.streams) == {TRADES[0], TRADES[2]}
                await anext_of(feed.items(), Update)

    backend.run(test, within=MINUTE)
