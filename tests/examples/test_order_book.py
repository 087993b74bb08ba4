"""The books of the example, at simulated exchanges: at every moment they are the exchange's own, or known not to be."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from dialects.voyage import HOST, Voyage
from holdfast import Backoff, Disconnected, Gap, Resync, Resynced, ResyncFailed, Rotated, Service, Unsubscribed, Update
from holdfast import FeedOptions as Options
from holdfast.dialects import binance, kraken
from holdfast.dialects.models import DepthUpdate
from holdfast.testing import CloseWith, Fault, MuteData, Reset
from holdfast.testing import Service as Simulated
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.services.figures import book as book_of_exchange
from holdfast.testing.services.kraken import Kraken
from holdfast.testing.world import Observer, Weather, sleep


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "order_book.py"
    spec = importlib.util.spec_from_file_location("order_book", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["order_book"] = module
    spec.loader.exec_module(module)
    return module


def levels(book: Any) -> dict[str, dict[Decimal, Decimal]]:
    return {"bids": dict(book.bids), "asks": dict(book.asks)}


def expected(number: int) -> dict[str, dict[Decimal, Decimal]]:
    whole = book_of_exchange(number)
    return {side: {Decimal(at): Decimal(size) for at, size in whole[side]} for side in whole}


class Keeper(Observer):
    """Drives a book as the example does, and holds it against the exchange's at every message."""

    def __init__(
        self, book: Any, mend: Callable[[object, bool], None], number_of: Callable[[Update], int | None]
    ) -> None:
        self.book = book
        self.checked = self.unknown = 0
        self.latest = 0
        self._mend = mend
        self._number_of = number_of

    def on_item(self, item: object, now: float) -> None:
        self._mend(item, self.book.take(item))
        assert not (isinstance(item, Gap) and self.book.known)
        if isinstance(item, Update) and item.stream == self.book.stream:
            number = self._number_of(item)
            self.unknown += not self.book.known
            if self.book.known and number is not None:
                self.checked += 1
                self.latest = number
                assert levels(self.book) == expected(number), number


class World(Voyage):
    """`keeper` is watching from the first item on."""

    def __init__(self, source: Service, service: Simulated, stream: str, options: Options) -> None:
        super().__init__(
            source, service, [stream], rate=10.0, options=options, weather=Weather(delay=0.0625, jitter=0.125)
        )

    def watch(self, keeper: Keeper) -> Keeper:
        for item in self.items:
            keeper.on_item(item, 0.0)
        self._process.observe(keeper)
        return keeper

    def rotate(self) -> None:
        self.fleet.rotate(self.world.now)
        self._process.settle()

    def resync(self, stream: str) -> None:
        self.fleet.resync([stream], self.world.now)


def at_binance(example: ModuleType, seed: int = 1) -> tuple[World, Keeper, Random]:
    """A REST endpoint beside it that takes its time, fails at times, and at times gives an old book."""
    stream = "btcusdt@depth@100ms"
    random = Random(seed)

    async def fetch(name: str, gap: Gap | None) -> object:
        assert name == stream
        await sleep(random.choice((0.0, 0.25, 1.0, 3.0)))
        if random.random() < 0.2:
            raise OSError("HTTP 503")
        number = voyage.exchange.ledger.counts[stream] - random.choice((0, 0, 0, 30))
        await sleep(random.choice((0.0, 0.25, 1.0)))
        return {"lastUpdateId": 3 * max(0, number), **book_of_exchange(max(0, number))}

    options: Options = {"resync": Resync(fetch, timeout=3.5), "backoff": Backoff(maximum=4.0)}
    voyage = World(binance.spot(stream, endpoint=f"ws://{HOST}/stream"), BinanceSpot(), stream, options)

    def mend(_: object, needed: bool) -> None:
        if needed:
            voyage.resync(stream)

    def number_of(update: Update) -> int:
        return max(keeper.book.last, 0) // 3  # a message may be older than the snapshot

    keeper = Keeper(example.BinanceBook(stream), mend, number_of)
    return voyage, voyage.watch(keeper), random


def at_kraken(example: ModuleType, seed: int = 1) -> tuple[World, Keeper, Random]:
    stream = "book-10:BTC/USD"
    voyage = World(kraken.v2(stream, endpoint=f"ws://{HOST}/v2"), Kraken(), stream, {"backoff": Backoff(maximum=4.0)})
    at: dict[float, int] = {}

    def mend(item: object, needed: bool) -> None:
        if needed:
            voyage.fleet.unsubscribe([stream], voyage.world.now)
        elif isinstance(item, Unsubscribed | Disconnected | Rotated):
            voyage.fleet.subscribe([stream], voyage.world.now)

    def number_of(update: Update) -> int | None:
        """Its time says which it was; a snapshot has one of its own."""
        if not at:
            at.update({round(voyage.exchange.published_at(stream, n), 6): n for n in range(1, 20_000)})
        time = update.event_time
        assert time is not None
        offset = voyage.exchange._wall_offset
        return at.get(round(time - offset, 6))

    keeper = Keeper(example.KrakenBook(stream), mend, number_of)
    return voyage, voyage.watch(keeper), Random(seed)


def rough(voyage: World, random: Random, blows: int) -> None:
    faults: list[Fault] = [Reset(), CloseWith(1001), MuteData(0.5), MuteData(3.0), MuteData(0.15)]
    for _ in range(blows):
        choice = random.randrange(len(faults) + 2)
        if choice < len(faults):
            voyage.strike(faults[choice])
        else:
            voyage.rotate()
        voyage.run(random.choice((0.5, 2.0, 10.0, 45.0)))
    voyage.run(60.0)


@pytest.mark.parametrize("place", [at_binance, at_kraken])
def test_a_calm_day(example: ModuleType, place: Any) -> None:
    voyage, keeper, _ = place(example)
    voyage.run(60.0)
    assert keeper.book.known
    assert keeper.checked > 500
    assert keeper.unknown < 60


@pytest.mark.parametrize("place", [at_binance, at_kraken])
@pytest.mark.parametrize("seed", range(3))
def test_through_cuts_rotations_and_lost_messages(example: ModuleType, place: Any, seed: int) -> None:
    voyage, keeper, random = place(example, seed)
    voyage.run(20.0)
    rough(voyage, random, 25)
    assert keeper.book.known
    assert keeper.latest >= voyage.exchange.ledger.counts[keeper.book.stream] - 5
    assert keeper.checked > 1000
    assert voyage.of(Rotated)
    if place is at_binance:
        assert voyage.of(Resynced)


def test_an_old_snapshot_is_seen_through_and_another_asked_for(example: ModuleType) -> None:
    voyages = [at_binance(example, seed)[0].run(60.0) for seed in range(6)]
    assert any(len(voyage.of(Resynced)) > 1 and not voyage.of(Gap) for voyage in voyages)
    assert any(voyage.of(ResyncFailed) for voyage in voyages)


def test_levels_go_and_a_snapshot_is_all_there_is(example: ModuleType) -> None:
    one, two = Decimal(1), Decimal(2)
    book = example.BinanceBook("btcusdt@depth")
    book.load({"lastUpdateId": 5, "bids": [["1", "1"]], "asks": [["2", "1"]]})
    assert book.follow(DepthUpdate("BTCUSDT", ((one, Decimal(0)),), ((two, two),), False, 6, 7))
    assert (book.bids, book.asks) == ({}, {two: two})
    book.load({"lastUpdateId": 9, "bids": [["1", "2"]], "asks": []})
    assert (book.bids, book.asks) == ({one: two}, {})
    book = example.KrakenBook("book-10:BTC/USD")
    for bid in (one, two):
        checksum = kraken.book_checksum([], [(bid, one)])
        assert book.follow(DepthUpdate("BTC/USD", ((bid, one),), (), True, checksum=checksum))
        assert book.bids == {bid: one}
