"""What grows with the number of messages, streams or hosts, and what must not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from dialects.voyage import HOST, Voyage
from helpers.world import World
from holdfast import DialWindow, Feed, Fleet, Overflow, RetryScheduled, Sharding
from holdfast.dialects import binance
from holdfast.supervisor import ItemQueue, Shared
from holdfast.testing.services.binance import BinanceSpot
from holdfast.window import RollingWindow


def test_a_message_does_not_move_the_timer() -> None:
    world = World().open()
    deadlines = set()
    for _ in range(200):
        world.peer.send("a")
        world.run(0)
        deadlines.add(world.fleet.next_deadline())
    assert len(deadlines) == 1
    for _ in range(200):
        world.send("b")
        deadlines.add(world.fleet.next_deadline())
    assert len(deadlines) == 1


def test_whoever_waits_for_streams_looks_at_them_only_when_something_happened() -> None:
    streams = [f"s{number}usdt@trade" for number in range(60)]
    source = binance.spot(*streams, endpoint=f"ws://{HOST}/stream")
    options = {"sharding": Sharding(max_streams_per_connection=10)}
    voyage = Voyage(source, BinanceSpot(), streams, rate=10.0, options=options)  # type: ignore[arg-type]
    looks = asked = 0

    class Counting:
        """The fleet, and a driver of it."""

        def __getattr__(self, name: str) -> object:
            return getattr(voyage.fleet, name)

        def stream_states(self) -> dict[str, str]:
            nonlocal looks
            looks += 1
            return Fleet.stream_states(voyage.fleet)

    class Hand:
        fleet = Counting()

        def now(self) -> float:
            return voyage.world.now

        async def until(self, ready: Callable[[], bool]) -> None:
            nonlocal asked
            while not ready():
                asked += 1
                voyage.run(0.0005)

    async def wait() -> None:
        feed: Feed[object] = Feed(Hand())  # type: ignore[arg-type]
        await feed.subscribed()
        assert set(feed.streams.values()) == {"subscribed"}
        await feed.subscribed()
        feed_before = looks
        voyage.subscribe("late@trade")
        await feed.subscribed()
        assert looks > feed_before

    asyncio.run(wait())
    assert asked > 300
    assert looks < 60


def test_those_who_wait_for_the_window_come_in_turn_though_timers_are_late() -> None:
    window, random = RollingWindow(10, 30.0), Random(1)
    waiting = [(0.0, number) for number in range(100)]
    tries, dials = Counter[int](), list[float]()
    while waiting:
        now, number = heappop(waiting)
        now += random.random() * 0.02
        tries[number] += 1
        if window.free_at(now) <= now:
            window.note(now)
            dials.append(now)
        else:
            heappush(waiting, (window.promise(now), number))
    assert len(dials) == 100
    assert all(later - earlier >= 30.0 for earlier, later in zip(dials, dials[10:], strict=False))
    assert dials[-1] < 30.0 * 9 + 10.0
    assert max(tries.values()) <= 6
    assert tries.total() < 400


def test_many_shards_wait_for_the_window_with_few_words() -> None:
    streams = [f"s{number}usdt@trade" for number in range(100)]
    source = binance.spot(*streams, endpoint=f"ws://{HOST}/stream")
    options = {"sharding": Sharding(max_streams_per_connection=1), "dial_window": DialWindow(10, 10.0)}
    voyage = Voyage(source, BinanceSpot(), streams, rate=0.1, options=options).run(95.0)  # type: ignore[arg-type]
    assert voyage.states == {"subscribed"}
    assert len(voyage.of(RetryScheduled)) == 90


def test_hosts_that_are_dialled_no_more_are_forgotten() -> None:
    shared = Shared(ItemQueue(1000, Overflow()), Random(1), Random(1).randbytes)
    setting = DialWindow(2, 100.0)
    for number in range(5000):
        shared.dial_window(f"host{number}", setting).note(float(number))
    assert len(shared._windows) < 300
    kept = shared.dial_window("host4999", setting)
    kept.note(4999.5)
    for number in range(5000, 5090):
        shared.dial_window(f"host{number}", setting).note(float(number))
    assert shared.dial_window("host4999", setting) is kept
    assert kept.free_at(5000.0) == 5099.0
