"""Feeds with snapshots through rough weather: whatever happens, a consumer of items can rely on their order."""

from __future__ import annotations

import json
from random import Random

import pytest

from dialects.voyage import HOST, Voyage
from holdfast import (
    Backoff,
    Cause,
    Closed,
    FeedOptions,
    Gap,
    Limits,
    Overflow,
    Resync,
    Resynced,
    Retry,
    Subscribed,
    Update,
)
from holdfast.dialects import binance
from holdfast.testing import CloseWith, GoSilent, LoseData, MuteData, Reset
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.world import Observer, Weather, sleep

STREAMS = ("a@depth", "b@depth", "c@depth", "d@trade")


class Reader(Observer):
    """Of each stream: a Gap or the beginning, then Resynced before the next message, but where the queue dropped what
    stood before it; no message twice, none out of order; a hole only where a gap was told, no later than it.
    """

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        self.waits: dict[str, bool] = {stream: stream.endswith("@depth") for stream in STREAMS}
        self.gaps: dict[str, int] = dict.fromkeys(STREAMS, 0)  # that may explain a hole to come
        self.ignores: set[str] = set()  # what the queue dropped something of: of no use until there is a snapshot

    def on_item(self, item: object, now: float) -> None:
        if isinstance(item, Gap):
            for stream in STREAMS if item.stream is None else (item.stream,):
                self.waits[stream] = stream.endswith("@depth")
                self.gaps[stream] += 1
                if item.stream is None and item.cause.cause is Cause.OVERFLOW:
                    self.ignores.add(stream)
        elif isinstance(item, Resynced):
            stream, fetched_at = item.snapshot
            assert stream == item.stream
            assert fetched_at <= now
            self.waits[stream] = False
            self.ignores.discard(stream)
        elif isinstance(item, Update):
            stream = item.stream
            assert stream is not None
            assert not self.waits[stream] or stream in self.ignores, f"{stream}: a message without a snapshot"
            number = json.loads(item.data).get("u", 0) // 3 or json.loads(item.data)["t"]
            last = self.last.get(stream)
            if last is not None and number != last + 1:
                assert number > last, f"{stream}: {number} behind {last}"
                assert self.gaps[stream], f"{stream}: {number} behind {last}"
                self.gaps[stream] -= 1
            self.last[stream] = number


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_items_can_be_relied_on(seed: int) -> None:
    random = Random(seed)
    running: set[str] = set()

    async def fetch(stream: str, gap: Gap | None) -> tuple[str, float]:
        assert stream.endswith("@depth")
        assert stream not in running, "twice at the same time"
        running.add(stream)
        assert len(running) <= 2
        begun = voyage.world.now
        try:
            await sleep(random.choice((0.0, 0.25, 1.0, 4.0, 30.0)))
        finally:
            running.discard(stream)
        if random.random() < 0.25:
            raise OSError
        return stream, begun

    options: FeedOptions = {
        "backoff": Backoff(maximum=4.0),
        "retry": Retry(stable_after=5.0),
        "check_sequences": random.random() < 0.7,
        "resync": Resync(fetch, "*@depth", timeout=6.0, max_held=random.choice((4096, 100_000)), at_once=2),
        "legs": random.choice((1, 1, 2)),
    }
    if random.random() < 0.4:
        options["limits"] = Limits(max_queue_size=4096)
        options["overflow"] = Overflow(random.choice(("pause", "drop_oldest", "drop_newest")))
    source = binance.spot(*STREAMS, endpoint=f"ws://{HOST}/stream")
    weather = Weather(delay=0.0625, jitter=0.125)
    voyage = Voyage(source, BinanceSpot(), STREAMS, rate=4.0, options=options, weather=weather)
    reader = Reader()
    voyage._process.observe(reader)
    checked = options["check_sequences"]
    voyage.run(10.0)
    for _ in range(40):
        act = random.randrange(8)
        if act < 4:
            silent = MuteData(0.6) if checked else GoSilent(50.0)
            voyage.strike(random.choice((Reset(), CloseWith(1012), silent, LoseData(0.3) if checked else Reset())))
        elif act == 4:
            voyage.fleet.rotate(voyage.world.now)
            voyage._process.settle()
        elif act == 5:
            voyage._process.stall(random.choice((0.5, 3.0, 20.0)))
        elif act == 6:
            voyage.fleet.resync([], voyage.world.now)
            for stream in STREAMS[:3]:
                reader.waits[stream] = False  # it does not matter what comes until then
            voyage._process.settle()
        else:
            voyage._process.consumer_pause = random.choice((0.0, 0.0, 2.0, 8.0))
        voyage.run(random.choice((0.25, 1.0, 5.0, 20.0)))
    voyage._process.consumer_pause = 0.0
    voyage.exchange.forgive(voyage.world.now)
    before = len(voyage.of(Resynced))
    voyage.run(200.0)
    assert voyage.of(Subscribed)
    assert set(reader.last) == set(STREAMS)
    assert before
    newest = {stream: voyage.exchange.ledger.counts[stream] for stream in STREAMS}
    late = {stream: newest[stream] - reader.last[stream] for stream in STREAMS}
    resyncs = voyage.fleet._shards._resyncs
    assert resyncs is not None
    assert all(late[stream] < 10 or stream in resyncs._pending for stream in STREAMS), late
    voyage.fleet.close(voyage.world.now)
    voyage._process.settle()
    voyage.run(20.0)
    assert isinstance(voyage.items[-1], Closed)
    assert not running
    assert voyage.fleet.next_deadline() == float("inf")
