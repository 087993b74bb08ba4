"""Feeds at simulated services, with the machine between dialect and service: what users of a service notice."""

from __future__ import annotations

import pytest

from dialects.voyage import HOST, Voyage
from holdfast import (
    Cause,
    Disconnected,
    Gap,
    Notified,
    Service,
    Stale,
    Subscribed,
    SubscriptionRefused,
    Update,
)
from holdfast.dialects import kraken, okx
from holdfast.testing import Rules
from holdfast.testing import Service as SimulatedService
from holdfast.testing.services.kraken import Kraken
from holdfast.testing.services.okx import Okx

PUBLIC, BUSINESS, V2 = f"ws://{HOST}/ws/v5/public", f"ws://{HOST}/ws/v5/business", f"ws://{HOST}/v2"


def public(*streams: str) -> Service:
    return okx.public(*streams, endpoint=PUBLIC)


def business(*streams: str) -> Service:
    return okx.business(*streams, endpoint=BUSINESS)


def v2(*streams: str) -> Service:
    return kraken.v2(*streams, endpoint=V2)


def voyage_of(
    service: Service, simulated: SimulatedService, *, rate: float = 1.0, rules: Rules | None = None
) -> Voyage:
    return Voyage(service, simulated, service.streams, rate=rate, rules=rules)


def states(voyage: Voyage) -> dict[str, str]:
    return voyage.fleet.stream_states()


MANY = {
    "okx": (public(*(f"trades:C{number}-USDT" for number in range(250))), Okx),
    "okx business": (business(*(f"candle1m:C{number}-USDT" for number in range(250))), Okx),
    "kraken": (v2(*(f"trade:C{number}/USD" for number in range(250)), "instrument", "ticker:A/B"), Kraken),
}


@pytest.mark.parametrize("name", MANY)
def test_many_streams_are_had_in_little_time(name: str) -> None:
    service, simulated = MANY[name]
    voyage = voyage_of(service, simulated()).run(10.0)
    assert states(voyage) == dict.fromkeys(service.streams, "subscribed")
    assert {stream for event in voyage.of(Subscribed) for stream in event.streams} == set(service.streams)
    assert {update.stream for update in voyage.of(Update)} == set(service.streams)
    assert not [item for item in voyage.items if isinstance(item, str)]


@pytest.mark.parametrize(
    ("service", "simulated"),
    [
        (public("trades:A-B"), Okx()),
        (public(), Okx()),
        (business("trades-all:A-B"), Okx()),
        (v2("trade:A/B"), Kraken()),
        (v2(), Kraken()),
    ],
)
def test_what_is_quiet_stays_connected(service: Service, simulated: SimulatedService) -> None:
    voyage = voyage_of(service, simulated, rate=1e-6).run(4000.0)
    assert len(voyage.connections) == 1
    assert voyage.of(Disconnected) == []
    assert states(voyage) == dict.fromkeys(service.streams, "subscribed")


@pytest.mark.parametrize(
    ("service", "simulated", "wrong"),
    [
        (public("trades:A-B", "trades:NO-PE", "status"), Okx(["A-B"]), "trades:NO-PE"),
        (v2("trade:A/B", "trade:NO/PE", "ticker:A/B"), Kraken(["A/B"]), "trade:NO/PE"),
    ],
)
def test_what_does_not_exist_is_refused_alone(service: Service, simulated: SimulatedService, wrong: str) -> None:
    voyage = voyage_of(service, simulated).run(60.0)
    assert states(voyage) == {**dict.fromkeys(service.streams, "subscribed"), wrong: "refused"}
    (refusal,) = voyage.of(SubscriptionRefused)
    assert refusal.stream == wrong
    assert wrong.partition(":")[2] in refusal.reason
    assert len(voyage.connections) == 1


@pytest.mark.parametrize(
    ("service", "simulated", "mended"),
    [
        (public("books:A-B", "trades:A-B"), Okx(), "books:A-B"),
        (public("mark-price:A-B-SWAP", "trades:A-B"), Okx(), "mark-price:A-B-SWAP"),
    ],
)
def test_a_stream_that_should_tick_and_does_not_is_asked_for_anew(
    service: Service, simulated: SimulatedService, mended: str
) -> None:
    voyage = voyage_of(service, simulated).run(5.0)
    for connection in voyage.exchange._connections.values():
        connection.streams.discard(mended)
    limit = service.dialect.patience(mended).silence
    assert limit is not None
    voyage.run(limit + 2.0)
    assert [event.stream for event in voyage.of(Stale)] == [mended]
    (gap,) = [gap for gap in voyage.of(Gap) if gap.stream == mended]
    assert gap.cause.cause is Cause.STREAM_SILENT
    assert len(voyage.connections) == 1
    before = len(voyage.of(Update))
    assert mended in {update.stream for update in voyage.run(5.0).of(Update)[before:]}


def test_an_end_that_is_announced_is_told_and_survived() -> None:
    rules = Rules(max_age=600.0, notice=Okx.NOTICE, notice_before=60.0)
    voyage = voyage_of(public("trades:A-B"), Okx(), rules=rules).run(700.0)
    (notice,) = voyage.of(Notified)
    assert notice.going_away
    assert len(voyage.connections) == 2
    assert states(voyage) == {"trades:A-B": "subscribed"}


def test_krakens_state_is_told() -> None:
    voyage = voyage_of(v2("trade:A/B"), Kraken()).run(5.0)
    assert [notice.text for notice in voyage.of(Notified)] == ["system online"]
