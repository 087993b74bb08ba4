"""Consumers slower than the feed, with every policy: no connection is lost, memory is bounded, loss is declared."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from typing import Any

import pytest

from holdfast import Cause, Closed, Disconnected, Event, FeedConfig, Gap, Item, Keepalive, Limits, Overflow, Paused
from holdfast.testing import Exchange, Stream
from holdfast.testing.world import Observer, World
from holdfast.testing.world.process import READ_SIZE

STREAMS = [f"s{index}@trade" for index in range(5)]
RATE = 100.0  # messages a second, of all streams together; each is queued as about 160 bytes
BOUND = 48 * 1024
ONE_READ = 2 * READ_SIZE  # with what its items cost
MINUTE = 60.0

Number = tuple[str, int]
PACES = {"a tenth of the rate": (10 / RATE, 1), "a look every ten seconds": (10.0, None)}


def number_of(message: str | bytes) -> Number:
    parsed: dict[str, Any] = json.loads(message)
    return parsed["stream"], parsed["data"]["t"]


def stream_of(message: str | bytes) -> str:
    return number_of(message)[0]


POLICIES = [
    Overflow("pause"),
    Overflow("drop_oldest"),
    Overflow("drop_newest"),
    Overflow("conflate", stream_of),
    Overflow("fail"),
]


class Consumer(Observer):
    """What it took, and how much waited for it at most."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.most_queued = 0

    def on_item(self, item: Item, now: float) -> None:
        self.items.append(item)

    def on_settled(self, machine: Any, now: float) -> None:
        self.most_queued = max(self.most_queued, machine.stats(now).queued_bytes)

    def events(self, kind: type[Event]) -> list[Any]:
        return [item for item in self.items if isinstance(item, kind)]


class Situation:
    """A minute with a consumer of that pace; then no more is published, and it catches up."""

    def __init__(self, overflow: Overflow, pace: tuple[float, int | None]) -> None:
        self.world = World(seed=1)
        self.exchange = Exchange([Stream(name, RATE / len(STREAMS)) for name in STREAMS])
        self.world.add_host("feed.test", self.exchange)
        self.exchange.start(self.world.now)
        options: Any = {
            "overflow": overflow,
            "keepalive": Keepalive(interval=2.0, timeout=2.0),
            "limits": Limits(max_queue_size=BOUND),
        }
        config = FeedConfig.build(f"ws://feed.test/stream?streams={'/'.join(STREAMS)}", options)
        self.process = self.world.run_process(self.world.make_fleet(config))
        self.process.consumer_pause, self.process.consumer_limit = pace
        self.process.observe(consumer := Consumer())
        self.consumer = consumer
        self.process.start()
        self.world.run(MINUTE)
        self.exchange.stop_publishing(self.world.now)
        self.process.consumer_pause, self.process.consumer_limit = 0.0, None
        self.process.drain()
        self.world.run(10.0)

    @property
    def published(self) -> list[Number]:
        return [(one.stream, one.sequence) for one in self.exchange.ledger.publications]

    @property
    def got(self) -> dict[Number, int]:
        """Each message that came, and its place among the items."""
        return {number_of(item): index for index, item in enumerate(self.consumer.items) if not isinstance(item, Event)}

    @property
    def missing(self) -> list[Number]:
        got = self.got
        return [number for number in self.published if number not in got]

    @property
    def undeclared(self) -> list[Number]:
        """Missing, and no gap of that time stands before the first message of the stream behind it."""
        published = self.published
        times = [one.at for one in self.exchange.ledger.publications]
        place = {number: index for index, number in enumerate(published)}
        declared = [False] * len(published)
        expected = dict.fromkeys(STREAMS, 1)
        undeclared: list[Number] = []
        for item in self.consumer.items:
            if isinstance(item, Gap):
                first, behind = bisect_left(times, item.since), bisect_right(times, item.until)
                declared[first:behind] = [True] * (behind - first)
            elif not isinstance(item, Event):
                stream, number = number_of(item)
                skipped = ((stream, missing) for missing in range(expected[stream], number))
                undeclared += [missing for missing in skipped if not declared[place[missing]]]
                expected[stream] = number + 1
        return undeclared


@pytest.mark.parametrize("pace", PACES.values(), ids=list(PACES))
@pytest.mark.parametrize("overflow", POLICIES, ids=lambda overflow: overflow.policy)
def test_a_slow_consumer_costs_no_connection_and_bounded_memory(overflow: Overflow, pace: tuple[float, int | None]):
    situation = Situation(overflow, pace)
    consumer = situation.consumer
    assert 0.99 * BOUND < consumer.most_queued <= BOUND + ONE_READ, "the bound was reached, and kept"
    assert len(situation.exchange.ledger.connections) == 1
    if overflow.policy == "fail":
        (closed,) = consumer.events(Closed)
        assert closed.failure.cause is Cause.OVERFLOW
        assert list(situation.got) == situation.published[: len(situation.got)], "what was queued can be taken"
        return
    assert consumer.events(Disconnected) == []
    missing = situation.missing
    if overflow.policy == "pause":
        assert missing == []
        assert consumer.events(Gap) == []
        assert consumer.events(Paused) != []
    else:
        assert len(missing) > MINUTE * RATE / 2
        assert sum(gap.dropped for gap in consumer.events(Gap)) == len(missing)
        assert situation.undeclared == []
