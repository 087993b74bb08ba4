"""Feeds at simulated services, with the machine between dialect and service: what users of a service notice."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import (
    Cause,
    Connected,
    Disconnected,
    Fleet,
    Gap,
    Notified,
    Service,
    Stale,
    Subscribed,
    SubscriptionRefused,
    Update,
)
from holdfast.config import FeedConfig
from holdfast.dialects import kraken, okx
from holdfast.testing import Exchange, Rules, Stream
from holdfast.testing import Service as SimulatedService
from holdfast.testing.services.kraken import Kraken
from holdfast.testing.services.okx import Okx
from holdfast.testing.world import Observer, Weather, World


class Voyage(Observer):
    """A feed of a service, in a simulated world where its host stands."""

    def __init__(
        self, service: Service, simulated: SimulatedService, *, rate: float = 1.0, rules: Rules | None = None
    ) -> None:
        self.world = World(1, Weather(delay=0.0625))
        streams = [Stream(name, rate) for name in service.streams]
        self.exchange = Exchange(streams, service=simulated, rules=rules, flush_every=0.25)
        config = FeedConfig.build(service, {})
        self.host = self.world.add_host(str(service.source).split("/")[2].partition(":")[0], self.exchange)
        self.exchange.start(self.world.now)
        self.fleet: Fleet = self.world.make_fleet(config)
        self.items: list[Any] = []
        process = self.world.run_process(self.fleet)
        process.observe(self)
        process.start()

    def on_item(self, item: object, now: float) -> None:
        self.items.append(item)

    def run(self, seconds: float) -> Voyage:
        self.world.run(seconds)
        return self

    def of(self, kind: type) -> list[Any]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def states(self) -> dict[str, str]:
        return self.fleet.stream_states()


MANY = {
    "okx": (okx.public(*(f"trades:C{number}-USDT" for number in range(250))), Okx),
    "okx business": (okx.business(*(f"candle1m:C{number}-USDT" for number in range(250))), Okx),
    "kraken": (kraken.v2(*(f"trade:C{number}/USD" for number in range(250)), "instrument", "ticker:A/B"), Kraken),
}


@pytest.mark.parametrize("name", MANY)
def test_many_streams_are_had_in_little_time(name: str) -> None:
    service, simulated = MANY[name]
    voyage = Voyage(service, simulated()).run(10.0)
    assert voyage.states == dict.fromkeys(service.streams, "subscribed")
    assert {stream for event in voyage.of(Subscribed) for stream in event.streams} == set(service.streams)
    assert {update.stream for update in voyage.of(Update)} == set(service.streams)
    assert not [item for item in voyage.items if isinstance(item, str)]


@pytest.mark.parametrize(
    ("service", "simulated"),
    [
        (okx.public("trades:A-B"), Okx()),
        (okx.public(), Okx()),
        (okx.business("trades-all:A-B"), Okx()),
        (kraken.v2("trade:A/B"), Kraken()),
        (kraken.v2(), Kraken()),
    ],
)
def test_what_is_quiet_stays_connected(service: Service, simulated: SimulatedService) -> None:
    voyage = Voyage(service, simulated, rate=1e-6).run(4000.0)
    assert len(voyage.of(Connected)) == 1
    assert voyage.of(Disconnected) == []
    assert voyage.states == dict.fromkeys(service.streams, "subscribed")


@pytest.mark.parametrize(
    ("service", "simulated", "wrong"),
    [
        (okx.public("trades:A-B", "trades:NO-PE", "status"), Okx(["A-B"]), "trades:NO-PE"),
        (kraken.v2("trade:A/B", "trade:NO/PE", "ticker:A/B"), Kraken(["A/B"]), "trade:NO/PE"),
    ],
)
def test_what_does_not_exist_is_refused_alone(service: Service, simulated: SimulatedService, wrong: str) -> None:
    voyage = Voyage(service, simulated).run(60.0)
    assert voyage.states == {**dict.fromkeys(service.streams, "subscribed"), wrong: "refused"}
    (refusal,) = voyage.of(SubscriptionRefused)
    assert refusal.stream == wrong
    assert wrong.partition(":")[2] in refusal.reason
    assert len(voyage.of(Connected)) == 1


@pytest.mark.parametrize(
    ("service", "simulated", "mended"),
    [
        (okx.public("books:A-B", "trades:A-B"), Okx(), "books:A-B"),
        (okx.public("mark-price:A-B-SWAP", "trades:A-B"), Okx(), "mark-price:A-B-SWAP"),
    ],
)
def test_a_stream_that_should_tick_and_does_not_is_asked_for_anew(
    service: Service, simulated: SimulatedService, mended: str
) -> None:
    voyage = Voyage(service, simulated).run(5.0)
    for connection in voyage.exchange._connections.values():
        connection.streams.discard(mended)
    limit = service.dialect.patience(mended).silence
    assert limit is not None
    voyage.run(limit + 2.0)
    assert [event.stream for event in voyage.of(Stale)] == [mended]
    (gap,) = [gap for gap in voyage.of(Gap) if gap.stream == mended]
    assert gap.cause.cause is Cause.STREAM_SILENT
    assert len(voyage.of(Connected)) == 1
    before = len(voyage.of(Update))
    assert mended in {update.stream for update in voyage.run(5.0).of(Update)[before:]}


def test_an_end_that_is_announced_is_told_and_survived() -> None:
    rules = Rules(max_age=600.0, notice=Okx.NOTICE, notice_before=60.0)
    voyage = Voyage(okx.public("trades:A-B"), Okx(), rules=rules).run(700.0)
    (notice,) = voyage.of(Notified)
    assert notice.going_away
    assert len(voyage.of(Connected)) == 2
    assert voyage.states == {"trades:A-B": "subscribed"}


def test_krakens_state_is_told() -> None:
    voyage = Voyage(kraken.v2("trade:A/B"), Kraken()).run(5.0)
    assert [notice.text for notice in voyage.of(Notified)] == ["system online"]
