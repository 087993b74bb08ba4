"""One budget of memory for a feed, however many shards it has and whatever they hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from dialects.voyage import HOST, Voyage
from holdfast import (
    Closed,
    ConfigError,
    Disconnected,
    FeedConfig,
    Gap,
    Limits,
    Overflow,
    Paused,
    Resumed,
    Resync,
    Sharding,
    Update,
)
from holdfast.dialects import binance
from holdfast.fleet.memory import Memory
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.world import sleep

LIMIT = 200_000
CHUNK = 65_536  # a queue that is not full takes all of one read
QUARTER = LIMIT // 4
STREAMS = [f"s{number:02}usdt@trade" for number in range(40)]


def feed(**options: object) -> Voyage:
    """Ten shards that bring some 60 kB/s together."""
    source = binance.spot(*STREAMS, endpoint=f"ws://{HOST}/stream")
    given = {"sharding": Sharding(max_streams_per_connection=4), "memory_limit": LIMIT, **options}
    rules = replace(BinanceSpot.rules, ping_interval=None, pong_timeout=None)  # who does not read does not answer
    return Voyage(source, BinanceSpot(), STREAMS, rate=8.0, rules=rules, options=given)  # type: ignore[arg-type]


def stick(voyage: Voyage) -> None:
    """The consumer takes nothing any more."""
    voyage._process.consumer_pause = 1e6


def release(voyage: Voyage) -> None:
    voyage._process.consumer_pause, voyage._process._taking = 0.0, None
    voyage._process.drain()


def held(voyage: Voyage) -> int:
    """By shards and for snapshots, as it is: nobody is told that number."""
    shards = voyage.fleet._shards
    merges = [shard._legs.delivery._merge for shard in shards._running.values()]
    strands = [strand for merge in merges if merge is not None for strand in merge._strands.values()]
    return sum(hold.size for strand in strands for hold in strand.held.values()) + (
        shards._resyncs._size if shards._resyncs is not None else 0
    )


def highest(voyage: Voyage, seconds: float) -> tuple[int, int]:
    """Of the queue, and of all, in that time."""
    queue = total = 0
    for _ in range(int(seconds * 4)):
        voyage.run(0.25)
        queued = voyage.fleet.stats(voyage.world.now).queued_bytes
        queue, total = max(queue, queued), max(total, queued + held(voyage))
    return queue, total


def test_a_stuck_consumer_of_ten_shards_pauses_them_all_at_the_bound_and_nothing_is_lost() -> None:
    voyage = feed().run(5.0)
    assert len(voyage.fleet.shards) == 10
    stick(voyage)
    queue, total = highest(voyage, 60.0)
    assert LIMIT - QUARTER <= queue <= total <= LIMIT + CHUNK
    seen = len(voyage.items)
    release(voyage)
    voyage.run(10.0)
    kinds = Counter(type(item) for item in voyage.items[seen:])
    assert kinds[Paused] >= 1
    assert kinds[Resumed] >= 1
    assert not voyage.of(Gap) + voyage.of(Disconnected)


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_what_is_dropped_at_the_bound_is_told(policy: str) -> None:
    voyage = feed(overflow=Overflow(policy)).run(5.0)  # type: ignore[arg-type]
    stick(voyage)
    _, total = highest(voyage, 30.0)
    assert total <= LIMIT + CHUNK
    release(voyage)
    voyage.run(1.0)
    dropped = sum(gap.dropped for gap in voyage.of(Gap))
    assert dropped == voyage.fleet.stats(voyage.world.now).dropped > 1000


def test_at_the_bound_the_feed_fails_if_that_is_wanted() -> None:
    voyage = feed(overflow=Overflow("fail")).run(5.0)
    stick(voyage)
    voyage.run(30.0)
    release(voyage)
    voyage.run(10.0)
    assert [closed.failure.cause.value for closed in voyage.of(Closed) if closed.failure] == ["overflow"]


def test_what_is_held_for_snapshots_counts() -> None:
    async def fetch(stream: str, gap: Gap | None) -> str:
        await sleep(1e6)
        return stream

    voyage = feed(resync=Resync(fetch, streams=["s0*"], timeout=1e5), overflow=Overflow("drop_oldest")).run(5.0)
    stick(voyage)
    queue, total = highest(voyage, 60.0)
    assert held(voyage) > QUARTER // 2
    assert queue <= LIMIT // 2 + CHUNK
    assert total <= LIMIT + CHUNK
    release(voyage)
    voyage.run(1.0)
    told = {gap.stream for gap in voyage.of(Gap)}
    assert None in told, "dropped of the queue"
    assert any(stream is not None and stream.startswith("s0") for stream in told), "dropped of what was held"


def test_what_several_connections_hold_is_bounded_for_all_shards_together() -> None:
    """Those that are opened later share in what is left."""
    voyage = feed(legs=2).run(5.0)
    shards = voyage.fleet._shards
    most = sum(
        shard._legs.delivery._merge._bound
        for shard in shards._running.values()
        if shard._legs.delivery._merge is not None
    )
    assert 0 < most <= QUARTER
    voyage.subscribe(*(f"t{number:02}usdt@trade" for number in range(40)))
    assert len(shards._running) == 20
    most = sum(
        shard._legs.delivery._merge._bound
        for shard in shards._running.values()
        if shard._legs.delivery._merge is not None
    )
    assert 0 < most <= QUARTER
    voyage.run(20.0)
    assert set(voyage.fleet.stream_states().values()) == {"subscribed"}
    assert len({update.stream for update in voyage.of(Update)}) == 40


def test_the_shares_are_no_more_than_the_whole() -> None:
    async def fetch(stream: str, gap: Gap | None) -> None: ...

    async def log_in(connection: object) -> None: ...

    options = {"memory_limit": 1_000_000, "resync": Resync(fetch), "on_connect": log_in, "legs": 2}
    config = FeedConfig.build(binance.spot(*STREAMS), options)  # type: ignore[arg-type]
    memory = Memory(config)
    assert memory.resync is not None
    assert (memory.queue, memory.resync.max_held) == (500_000, 250_000)
    bounds = {number: memory.limits_of([number]).max_queue_size for number in range(10)}
    assert sum(bounds.values()) * 4 <= 250_000
    for number in range(10):
        memory.forget(number)
    assert memory.limits_of([11]).max_queue_size == 250_000 // 2 // 4
    small = FeedConfig.build(binance.spot(*STREAMS), {"resync": Resync(fetch, max_held=10), "memory_limit": 8000})
    assert Memory(small).queue == 5990


def test_without_it_the_limits_are_as_they_say() -> None:
    config = FeedConfig.build(binance.spot(*STREAMS), {"limits": Limits(max_queue_size=77)})
    assert Memory(config).queue == Memory(config).limits_of([1, 2]).max_queue_size == 77
    with pytest.raises(ConfigError, match="memory_limit = 0"):
        FeedConfig.build("ws://h", {"memory_limit": 0})
