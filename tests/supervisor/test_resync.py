"""Streams that need snapshots: what they bring is held until one was fetched, in order, bounded, and nothing hangs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from dialects.voyage import HOST, Voyage
from holdfast import (
    Backoff,
    Cause,
    Closed,
    ConfigError,
    Event,
    EventsDropped,
    Failure,
    FeedConfig,
    FeedOptions,
    Gap,
    GiveUp,
    Message,
    Overflow,
    Resync,
    Resynced,
    ResyncFailed,
    Retry,
    Rotated,
    Stall,
    Update,
)
from holdfast.dialects import binance
from holdfast.settings import ITEM_COST
from holdfast.supervisor.queue import MAX_EVENTS, ItemQueue
from holdfast.supervisor.resyncs import Resyncs
from holdfast.supervisor.shared import Shared
from holdfast.testing import MuteData, Reset
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.world import Observer, sleep

BOOK, OTHER, TRADE = "btcusdt@depth", "ethusdt@depth", "btcusdt@trade"
Fetch = Callable[[str, Gap | None], Awaitable[object]]
PLAIN: FeedOptions = {"backoff": Backoff(initial=0.5, maximum=4.0, jitter=0.0)}


class Snapshots:
    """A function for `Resync` that takes so long; what it was called with, and when."""

    def __init__(self, takes: float = 1.0, fail: int = 0) -> None:
        self.takes = takes
        self.fail = fail  # so many calls raise
        self.calls: list[tuple[float, str, Gap | None]] = []
        self.ended: list[str] = []
        self.running = self.most = 0
        self.voyage: Voyage | None = None

    async def __call__(self, stream: str, gap: Gap | None) -> int:
        assert self.voyage is not None
        self.calls.append((self.voyage.world.now, stream, gap))
        number = len(self.calls)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await sleep(self.takes / 2)
            await sleep(self.takes / 2)
        finally:
            self.running -= 1
            self.ended.append(stream)
        if number <= self.fail:
            raise OSError("no such luck")
        return number


class Watch(Observer):
    """What is held is counted right."""

    def __init__(self, voyage: Voyage) -> None:
        self.most = 0
        self._voyage = voyage

    def on_settled(self, machine: object, now: float) -> None:
        resyncs = self._voyage.fleet._shards._resyncs
        assert resyncs is not None
        held = [message for one in resyncs._streams.values() for _, message in one.messages]
        assert resyncs._size == sum(one.size for one in resyncs._streams.values())
        assert resyncs._size == sum(len(one.text) + ITEM_COST for one in held if isinstance(one, Update))
        assert set(resyncs._ready) | {one.name for one in resyncs._running.values()} <= set(resyncs._pending)
        self.most = max(self.most, resyncs._size)
        queue = self._voyage.fleet._shared.queue
        waiting = Counter(one.event.stream for one in queue._waiting or () if isinstance(one.event, Resynced))
        assert {stream: queue.snapshots_of(stream) for stream in resyncs._streams} == {
            stream: waiting[stream] for stream in resyncs._streams
        }
        assert max(waiting.values(), default=0) <= 2


def sail(
    fetch: Snapshots,
    *streams: str,
    rate: float = 4.0,
    options: FeedOptions | None = None,
    only: str | tuple[str, ...] = "*@depth*",
    timeout: float = 10.0,
    max_held: int = 1_000_000,
    at_once: int = 4,
) -> Voyage:
    streams = streams or (BOOK, TRADE)
    resync = Resync(fetch, only, timeout, max_held, at_once)
    source = binance.spot(*streams, endpoint=f"ws://{HOST}/stream")
    given: FeedOptions = {**PLAIN, **(options or {}), "resync": resync}
    fetch.voyage = voyage = Voyage(source, BinanceSpot(), (*streams, "later@depth"), rate=rate, options=given)
    voyage._process.observe(Watch(voyage))
    return voyage


def story(voyage: Voyage, stream: str = BOOK) -> list[str | int]:
    """What concerns a stream: numbers of messages, `snapshot N`, gaps."""
    told: list[str | int] = []
    for item in voyage.items:
        if isinstance(item, Update) and item.stream == stream:
            told.append(number_of(item))
        elif isinstance(item, Resynced) and item.stream == stream:
            told.append(f"snapshot {item.snapshot}")
        elif isinstance(item, Gap) and item.stream in (stream, None):
            told.append("gap")
    return told


def number_of(update: Update) -> int:
    payload = json.loads(update.data)
    return payload["u"] // 3 if "u" in payload else payload["t"]


def numbers(voyage: Voyage, stream: str) -> list[int]:
    return [number_of(one) for one in voyage.of(Update) if one.stream == stream]


def test_what_comes_meanwhile_stands_behind_the_snapshot() -> None:
    fetch = Snapshots(takes=1.0)
    voyage = sail(fetch).run(5.0)
    told = story(voyage)
    assert told[0] == "snapshot 1"
    assert told[1:] == list(range(told[1], told[1] + len(told) - 1))  # type: ignore[arg-type, operator]
    assert len(told) > 15
    assert [(stream, gap) for _, stream, gap in fetch.calls] == [(BOOK, None)]
    trades = numbers(voyage, TRADE)
    assert trades == list(range(trades[0], trades[0] + len(trades)))


def test_other_streams_flow_meanwhile() -> None:
    voyage = sail(Snapshots(takes=60.0), timeout=100.0).run(10.0)
    assert len(numbers(voyage, TRADE)) > 30
    assert story(voyage) == []


def test_it_begins_with_the_first_message() -> None:
    fetch = Snapshots()
    voyage = sail(fetch, rate=0.25).run(30.0)
    (called, _, _), first = fetch.calls[0], numbers(voyage, BOOK)[0]
    assert called == pytest.approx(voyage.exchange.published_at(BOOK, first), abs=0.5)


def test_after_a_gap_of_all_there_is_a_new_one() -> None:
    fetch = Snapshots()
    voyage = sail(fetch).run(40.0).strike(Reset()).run(10.0)
    told = [one for one in story(voyage) if isinstance(one, str)]
    assert told == ["snapshot 1", "gap", "snapshot 2"]
    at = story(voyage).index("snapshot 2")
    assert story(voyage)[at - 1] == "gap"
    _, _, gap = fetch.calls[1]
    assert gap is not None
    assert gap.cause.cause is Cause.RESET


def test_it_runs_behind_the_first_message_after_the_gap() -> None:
    fetch = Snapshots()
    voyage = sail(fetch, rate=0.125).run(40.0).strike(Reset()).run(20.0)
    (_, _, none), (called, _, gap) = fetch.calls
    assert none is None
    assert gap is not None
    first = next(n for n in range(99) if n and voyage.exchange.published_at(BOOK, n) > gap.at)
    assert called == pytest.approx(voyage.exchange.published_at(BOOK, first), abs=0.5)
    assert called > gap.at + 1.0


def test_after_a_gap_of_the_stream_too_and_only_of_that() -> None:
    fetch = Snapshots()
    voyage = sail(fetch, BOOK, OTHER, options={"check_sequences": True}, rate=4.0).run(40.0)
    for connection in voyage.exchange._connections.values():
        connection.streams.discard(BOOK)
    voyage.run(1.0)
    for connection in voyage.exchange._connections.values():
        connection.streams.add(BOOK)
    voyage.run(10.0)
    assert sorted(stream for _, stream, _ in fetch.calls) == [BOOK, BOOK, OTHER]
    told = story(voyage)
    assert told[told.index("gap") + 1] == "snapshot 3"
    assert "gap" not in story(voyage, OTHER)


def test_a_rotation_needs_none() -> None:
    fetch = Snapshots()
    voyage = sail(fetch).run(10.0)
    voyage.fleet.rotate(voyage.world.now)
    voyage._process.settle()
    voyage.run(10.0)
    assert voyage.of(Rotated)
    assert len(fetch.calls) == 1
    assert all(then == one + 1 for one, then in pairwise(numbers(voyage, BOOK)))


def test_a_gap_meanwhile_makes_it_run_anew_and_nothing_is_dropped() -> None:
    fetch = Snapshots(takes=3.0)
    voyage = sail(fetch).run(2.0).strike(Reset()).run(20.0)
    told = story(voyage)
    assert told[:2] == ["gap", "snapshot 2"]
    assert len(fetch.calls) == 2
    assert len(fetch.ended) == 2
    held = [one for one in told if isinstance(one, int)]
    assert held[0] <= 3  # of the first connection


def test_what_fails_is_tried_again_after_the_pauses_of_the_backoff() -> None:
    fetch = Snapshots(takes=0.0, fail=4)
    voyage = sail(fetch).run(30.0)
    failed = voyage.of(ResyncFailed)
    assert [one.delay for one in failed] == [0.5, 1.0, 2.0, 4.0]
    assert {(one.stream, one.failure.cause) for one in failed} == {(BOOK, Cause.RESYNC)}
    assert "OSError: no such luck" in failed[0].failure.detail
    times = [at for at, _, _ in fetch.calls]
    assert [round(then - one, 3) for one, then in pairwise(times)] == [0.5, 1.0, 2.0, 4.0]
    told = story(voyage)
    assert told[0] == "snapshot 5"
    assert all(isinstance(then, int) and then == one + 1 for one, then in pairwise(told[1:]))  # type: ignore[operator]
    assert len(list(voyage.connections)) == 1


def test_what_takes_too_long_is_ended() -> None:
    fetch = Snapshots(takes=30.0)
    voyage = sail(fetch, timeout=2.0).run(3.0)
    (failed,) = voyage.of(ResyncFailed)
    assert "not done in 2 s" in str(failed.failure)
    assert fetch.ended == [BOOK]
    fetch.takes = 1.0
    voyage.run(10.0)
    assert story(voyage)[0] == "snapshot 2"


def test_gaps_do_not_make_a_storm() -> None:
    """Every few messages one is missing."""
    fetch = Snapshots(takes=0.0)
    voyage = sail(fetch, options={"check_sequences": True}).run(10.0)
    for _ in range(100):
        voyage.strike(MuteData(0.3)).run(1.0)
    assert len(fetch.calls) <= 10 + 100 / 4
    assert len(voyage.of(Resynced)) > 20


def test_what_was_well_for_long_is_not_kept_waiting() -> None:
    fetch = Snapshots(takes=0.0)
    voyage = sail(fetch, options={"check_sequences": True}).run(5.0)
    for _ in range(6):
        voyage.strike(MuteData(0.3)).run(40.0)
    waits = [at - gap.at for at, _, gap in fetch.calls if gap is not None]
    assert len(waits) == 6
    assert waits == [0.0] * 6


def test_what_was_well_for_long_begins_with_the_shortest_pause() -> None:
    fetch = Snapshots(takes=0.0, fail=4)
    voyage = sail(fetch, options={"check_sequences": True, "retry": Retry(stable_after=2.0)}).run(15.0)
    assert fetch.calls[-1][0] < 10.0 + fetch.calls[0][0]
    fetch.fail = 0
    fetch.calls.clear()
    voyage.run(3.0)
    for _ in range(2):
        voyage.strike(MuteData(0.3)).run(0.6)
    voyage.run(2.0)
    (first, _, gap), (second, _, _) = fetch.calls
    assert gap is not None
    assert first == gap.at
    assert second == pytest.approx(first + 0.5)


def test_a_short_while_of_health_is_enough_if_that_is_what_is_set() -> None:
    fetch = Snapshots(takes=0.0, fail=4)
    voyage = sail(fetch, options={"check_sequences": True, "retry": Retry(stable_after=0.5)})
    while not voyage.of(Resynced):
        voyage.run(0.25)
    voyage.run(1.0).strike(MuteData(0.3)).run(1.0)  # sooner than the pause after five runs
    called, _, gap = fetch.calls[-1]
    assert gap is not None
    assert called == gap.at


def test_so_many_run_at_once() -> None:
    names = [f"s{number}@depth" for number in range(20)]
    fetch = Snapshots(takes=1.0)
    voyage = sail(fetch, *names, at_once=3).run(20.0)
    assert fetch.most == 3
    assert len(voyage.of(Resynced)) == 20
    assert {stream for _, stream, _ in fetch.calls} == set(names)


def test_what_is_held_is_bounded_and_what_is_dropped_is_told() -> None:
    fetch = Snapshots(takes=20.0)
    voyage = sail(fetch, timeout=100.0, max_held=8 * 1024)
    watch = Watch(voyage)
    voyage._process.observe(watch)
    voyage.run(18.0)
    assert 4 * 1024 < watch.most <= 8 * 1024
    fetch.takes = 0.5
    voyage.run(30.0)
    told = story(voyage)
    gaps = [gap for gap in voyage.of(Gap) if gap.stream == BOOK]
    assert gaps
    assert {gap.cause.cause for gap in gaps} == {Cause.OVERFLOW}
    first = next(one for one in told if isinstance(one, int))
    assert first == 2 + sum(gap.dropped for gap in gaps)  # the first one was published too early
    assert voyage.fleet.stats(voyage.world.now).dropped == sum(gap.dropped for gap in gaps)
    at = told.index(first)
    assert str(told[at - 1]).startswith("snapshot")
    assert set(told[: at - 1]) == {"gap"}
    assert all(isinstance(then, int) and then == one + 1 for one, then in pairwise(told[at:]))  # type: ignore[operator]


class Outlet:
    """What comes out of Resyncs alone."""

    def __init__(self, max_held: int = 1000) -> None:
        self.out: list[object] = []
        self.shared = Shared(ItemQueue(1000, Overflow()), Random(1), Random(1).randbytes)
        self.resyncs = Resyncs(Resync(Snapshots(), max_held=max_held), Backoff(), 30.0, self.shared, self)

    def emit(self, event: Event) -> None:
        self.out.append(event)

    def queue(self, messages: list[Message], nbytes: int, now: float) -> int:
        self.out.append(([str(one.text) for one in messages if isinstance(one, Update)], nbytes))
        return 0

    def lose(self, gap: Gap) -> None:
        self.out.append((gap.stream, gap.dropped, gap.since))
        self.resyncs.declared(gap, (), 0.0)

    def gave_up(self, failure: Failure, reason: str, now: float) -> None:
        raise AssertionError


def test_the_largest_hold_gives_way() -> None:
    outlet = Outlet(max_held=10 * (ITEM_COST + 1))
    outlet.resyncs.want(["a", "b"])
    outlet.resyncs.put([Update("a", "1"), Update("a", "2"), Update("b", "3"), *[Update("b", "4")] * 5], 8, 1.0)
    assert outlet.out == []
    outlet.resyncs.put([Update("a", "5")] * 3, 3, 2.0)
    assert outlet.out == [("b", 3, 1.0)]


def test_sizes_are_those_of_what_goes_on() -> None:
    outlet = Outlet()
    outlet.resyncs.want(["a"])
    outlet.resyncs.put([Update("b", "123"), Update("a", "1234"), Update("c", "5")], 8, 1.0)
    assert outlet.out == [(["123", "5"], 4)]
    (command,) = outlet.shared.commands
    outlet.resyncs.fetched(command.conn, "all", 2.0)
    assert outlet.out[1:] == [Resynced(2.0, "a", "all"), (["1234"], 4)]
    outlet.resyncs.put([Update("a", "2")], 1, 3.0)
    assert outlet.out[3:] == [(["2"], 1)]


def test_a_queue_that_dropped_something_needs_new_snapshots() -> None:
    fetch = Snapshots(takes=0.0)
    options: FeedOptions = {"overflow": Overflow("drop_newest")}
    voyage = sail(fetch, options=options, rate=50.0)
    voyage.fleet._shared.queue._bound = 20_000
    voyage.run(1.0)
    voyage._process.consumer_pause = 5.0
    voyage.run(30.0)
    assert next(gap.cause.cause for _, _, gap in fetch.calls if gap is not None) is Cause.OVERFLOW
    assert len(voyage.of(Resynced)) >= 3
    assert len(fetch.calls) < 20


@pytest.mark.parametrize("policy", ["drop_newest", "drop_oldest", "pause"])
def test_of_a_stream_no_more_than_two_wait_however_long_nobody_takes_them(policy: Any) -> None:
    fetch = Snapshots(takes=0.0)
    voyage = sail(fetch, options={"overflow": Overflow(policy)}, rate=20.0)
    voyage.fleet._shared.queue._bound = 20_000
    voyage.run(2.0)
    voyage._process.consumer_pause = 3600.0
    for _ in range(40):
        voyage.run(80.0).strike(Reset())
    fetched = len(fetch.calls)
    assert fetched <= 1 + 2 + 1, "one that was taken, two that wait, one that the last gap overtook"
    voyage._process.consumer_pause = 0.0
    voyage.run(600.0)
    assert len(fetch.calls) > fetched, "taken, they make room for the next"
    assert isinstance(voyage.items[-1], Update)
    assert voyage.fleet.stats(voyage.world.now).queued_messages == 0


def test_streams_come_and_go() -> None:
    fetch = Snapshots(takes=5.0)
    voyage = sail(fetch).run(2.0)
    voyage.subscribe("later@depth")
    voyage.unsubscribe(BOOK)
    assert fetch.ended == [BOOK]
    voyage.run(10.0)
    assert len(story(voyage)) <= 2  # what was on the way
    assert story(voyage, "later@depth")[0] == "snapshot 2"
    voyage.subscribe(BOOK)
    voyage.run(10.0)
    assert "snapshot 3" in story(voyage)[:3]


def test_the_consumer_may_ask_for_another() -> None:
    fetch = Snapshots(takes=1.0)
    voyage = sail(fetch).run(40.0)
    voyage.fleet.resync([BOOK], voyage.world.now)
    voyage._process.settle()
    assert len(fetch.calls) == 2
    voyage.run(5.0)
    voyage.subscribe(BOOK)  # it is wanted anyway
    voyage.run(5.0)
    assert len(fetch.calls) == 2
    told = story(voyage)
    at = told.index("snapshot 2")
    assert told[at + 1] == told[at - 1] + 1  # type: ignore[operator]
    for wrong in ([TRADE], ["x@depth"]):
        with pytest.raises(ConfigError, match=r"not wanted, or not among Resync.streams = '\*@depth\*'"):
            voyage.fleet.resync(wrong, voyage.world.now)
    voyage.strike(Reset()).run(40.0)
    voyage.fleet.resync([], voyage.world.now)
    voyage._process.settle()
    voyage.run(5.0)
    assert len(fetch.calls) == 4
    assert [gap is None for _, _, gap in fetch.calls] == [True, True, False, True]


def test_who_asks_before_there_was_a_message_waits_for_one() -> None:
    """What is fetched before the connection brings the stream may be older than the first that it brings."""
    fetch = Snapshots(takes=0.0)
    voyage = sail(fetch)
    for _ in range(20):
        voyage.fleet.resync([], voyage.world.now)
        voyage._process.settle()
        voyage.run(0.0625)
        assert bool(fetch.calls) == bool(numbers(voyage, BOOK))
    voyage.run(5.0)
    assert fetch.calls
    assert isinstance(story(voyage)[0], str), "the snapshot stands first"


def test_without_the_setting_nobody_can_ask() -> None:
    source = binance.spot(BOOK, endpoint=f"ws://{HOST}/stream")
    voyage = Voyage(source, BinanceSpot(), [BOOK]).run(2.0)
    with pytest.raises(ConfigError, match="this feed has no resync"):
        voyage.fleet.resync([], voyage.world.now)


def test_closing_ends_it_and_tells_what_was_held() -> None:
    fetch = Snapshots(takes=100.0)
    voyage = sail(fetch, BOOK, OTHER, timeout=200.0, at_once=1).run(5.0)
    voyage.fleet.close(voyage.world.now)
    voyage._process.settle()
    voyage.run(10.0)
    assert fetch.ended == [stream for _, stream, _ in fetch.calls]
    assert not voyage._process._jobs.running
    assert voyage.fleet.is_closed
    assert isinstance(voyage.items[-1], Closed)
    gaps = voyage.of(Gap)
    assert {gap.stream for gap in gaps} == {BOOK, OTHER}
    assert all(gap.dropped > 10 and gap.cause.cause is Cause.RESYNC for gap in gaps)
    assert voyage.fleet.next_deadline() == float("inf")


def test_give_up_ends_the_feed() -> None:
    async def fetch(stream: str, gap: Gap | None) -> None:
        raise GiveUp("this account is closed")

    source = binance.spot(BOOK, endpoint=f"ws://{HOST}/stream")
    voyage = Voyage(source, BinanceSpot(), [BOOK], options={"resync": Resync(fetch)}).run(5.0)
    (closed,) = voyage.of(Closed)
    assert closed.failure is not None
    assert closed.failure.cause is Cause.RESYNC
    assert voyage.fleet.is_closed


def test_a_stall_of_ours_is_not_charged_to_the_function() -> None:
    fetch = Snapshots(takes=4.0)
    voyage = sail(fetch, timeout=5.0).run(2.0)
    voyage._process.stall(60.0)
    voyage.run(70.0)
    assert voyage.of(ResyncFailed) == []


def test_a_late_answer_is_none() -> None:
    voyage = sail(Snapshots(takes=1.0)).run(10.0)
    items = len(voyage.items)
    voyage.fleet.resynced(77, "late", voyage.world.now)
    voyage._process.settle()
    assert len(voyage.items) == items


def test_what_cannot_be_set_is_refused() -> None:
    fetch = Snapshots()
    for wrong in ((), 3, ("a", 4), ""):
        with pytest.raises(ConfigError, match=r"Resync.streams"):
            Resync(fetch, wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Resync.function"):
        Resync("http://")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="without a dialect"):
        FeedConfig.build("ws://example.com", {"resync": Resync(fetch)})
    with pytest.raises(ConfigError, match=r"must be a Resync\(function\)"):
        FeedConfig.build(binance.spot(BOOK), {"resync": fetch})  # type: ignore[typeddict-item]
    assert "Snapshots" not in repr(FeedConfig.build(binance.spot(BOOK), {"resync": Resync(fetch)}))


def test_what_is_dropped_while_held_is_no_excuse_for_the_service() -> None:
    voyage = sail(Snapshots(takes=0.0), options={"check_sequences": True}).run(5.0)
    voyage.strike(MuteData(1.0)).run(0.5)
    loss = Failure(Cause.OVERFLOW, "for the test")
    voyage.fleet._shards._running[1].emit(Gap(voyage.world.now, voyage.world.now, voyage.world.now, loss, stream=BOOK))
    voyage.run(2.0)
    (gap,) = [one for one in voyage.of(Gap) if one.stream == BOOK and one.first_missing is not None]
    assert gap.cause.cause is Cause.SEQUENCE


def test_of_old_snapshots_that_nobody_took_only_the_latest_of_a_stream_stays() -> None:
    queue = ItemQueue(1000, Overflow())
    for number in range(3):
        for stream in ("a", "b") if number < 2 else ("b",):
            queue.put_event(Resynced(0.0, stream, number))
    for _ in range(MAX_EVENTS):
        queue.put_event(Stall(0.0, 1.0))
    left = queue.take()
    assert [(one.stream, one.snapshot) for one in left if isinstance(one, Resynced)] == [("a", 1), ("b", 2)]
    (dropped,) = [one for one in left if isinstance(one, EventsDropped)]
    assert dropped.count + len(left) - 1 == 5 + MAX_EVENTS


def test_what_is_conflated_behind_a_snapshot_is_declared_behind_it() -> None:
    queue = ItemQueue(6 * ITEM_COST + 20, Overflow("conflate", key=lambda message: message))
    queue.put_messages(["x", "x"], 2, 1.0)
    queue.put_event(Resynced(2.0, "x", 1))
    queue.put_messages(["x", "x"], 2, 3.0)
    queue.put_messages(["x"] * 3, 3, 4.0)
    left = queue.take()
    assert [type(one).__name__ for one in left] == ["Gap", "Resynced", "Gap", "str"]
    before, behind = (one for one in left if isinstance(one, Gap))
    assert (before.dropped, before.since, before.until) == (2, 1.0, 4.0)
    assert (behind.dropped, behind.since, behind.until) == (4, 3.0, 4.0)
    assert queue.dropped == 6
