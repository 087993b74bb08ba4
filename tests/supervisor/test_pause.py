"""A slow consumer: reading pauses at the bound and goes on at half; nothing is lost, nobody is blamed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import chunked, server_frame
from helpers.lattice import times
from helpers.peer import Manners
from helpers.upgrade import answer_to, switching
from helpers.world import World
from holdfast import Disconnected, Event, Keepalive, Limits, Paused, Resumed
from holdfast.commands import Pause, Resume, Write
from holdfast.wire import BINARY

COST = 64  # what an item costs beside its bytes; documented at Limits.max_queue_size
BOUND = 150  # holds the events of an opening, and is filled by one BIG message
BIG = "x" * BOUND


def slow_world(bound: int, manners: Manners | None = None) -> World:
    world = World({"limits": Limits(max_queue_size=bound)}, manners or Manners()).open()
    world.consume(False)
    return world


def reading_commands(world: World) -> list[type]:
    return [type(command) for _, command in world.commands if isinstance(command, Pause | Resume)]


def cost_of(size: int) -> int:
    """Of a message that came in a chunk of its own, with a header of two bytes."""
    return size + 2 + COST


def test_reading_pauses_at_the_bound_and_not_before() -> None:
    world = slow_world(10 * cost_of(100))
    for _ in range(9):
        world.peer.send(b"x" * 100)
        world.run(0.25)
    assert reading_commands(world) == []
    world.peer.send(b"x" * 100)
    world.run(0.25)
    assert reading_commands(world) == [Pause]
    assert world.fleet.stats(world.now).queued_bytes == 10 * cost_of(100) + COST  # with the event itself


def test_reading_goes_on_at_half_the_bound_and_not_before() -> None:
    bound = 10 * cost_of(100)
    world = slow_world(bound)
    for _ in range(10):
        world.peer.send(b"x" * 100)
    world.run(1)
    taken = 0
    while reading_commands(world) == [Pause]:
        before = world.fleet.stats(world.now).queued_bytes
        assert before > bound // 2, "half empty, and not resumed"
        taken += len(world.fleet.take_items(1))
        world.run(0)
    assert taken in (5, 6)
    assert reading_commands(world) == [Pause, Resume]
    assert world.fleet.next_deadline() > world.now


def test_taking_makes_the_resumption_due_at_once() -> None:
    world = slow_world(BOUND)
    world.peer.send(BIG)
    world.run(1)
    assert world.fleet.next_deadline() > world.now
    world.fleet.take_items()
    assert world.fleet.next_deadline() <= world.now
    world.tick()
    assert reading_commands(world) == [Pause, Resume]


def test_the_events_stand_where_it_happened() -> None:
    world = slow_world(BOUND)
    for _ in range(2):
        world.peer.send(BIG)
        world.run(1)
        world.consume()
        world.run(0)
    assert world.kinds[2:] == [repr(BIG), "Paused", "Resumed"] * 2
    assert [event.queued for event in world.events(Paused)] == [BOUND + 4 + COST] * 2
    assert [event.queued for event in world.events(Resumed)] == [0, 0]


@given(
    st.lists(st.tuples(st.sampled_from(["send", "take", "run"]), st.integers(1, 6)), max_size=40),
    st.integers(1, 2000),
    times(0.25, 2),
)
def test_nothing_is_lost_or_reordered_by_a_slow_consumer(
    doings: list[tuple[str, int]], bound: int, interval: float
) -> None:
    world = World({"limits": Limits(max_queue_size=bound), "keepalive": Keepalive(interval, 0.5)}).open()
    world.consume(False)
    sent: list[str | bytes] = []
    taken = list(world.items)
    for doing, amount in doings:
        if doing == "send":
            batch = [f"message {len(sent) + index}" for index in range(amount)]
            sent += batch
            world.peer.send(*batch)
        elif doing == "take":
            taken += world.fleet.take_items(amount)
        world.run(0.25 * amount)
    world.consume()
    world.run(10)
    everything = taken + [item for item in world.items if item not in taken]
    assert [item for item in everything if not isinstance(item, Event)] == sent
    assert world.events(Disconnected) == []
    assert world.fleet.stats(world.now).queued_bytes == world.fleet.stats(world.now).queued_messages == 0


@given(st.lists(st.integers(0, 300), min_size=1, max_size=20), st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_what_is_queued_is_counted_exactly(sizes: list[int], takes: list[int]) -> None:
    """Whatever is taken in whatever portions, the count returns to zero and is never negative."""
    world = slow_world(1 << 20)
    world.peer.send(*[b"x" * size for size in sizes])
    world.run(0)
    stats = world.fleet.stats(world.now)
    assert stats.queued_messages == len(sizes)
    assert stats.queued_bytes >= sum(sizes) + COST * len(sizes)
    for take in takes * len(sizes):
        before = world.fleet.stats(world.now)
        taken = world.fleet.take_items(take)
        after = world.fleet.stats(world.now)
        assert len(taken) == min(take, before.queued_messages)
        assert after.queued_messages == before.queued_messages - len(taken)
        assert 0 <= after.queued_bytes <= before.queued_bytes
    assert after.queued_bytes == 0
    assert not world.fleet.has_items


def test_a_message_that_came_in_pieces_counts_whole() -> None:
    """Promise 10: the bound is about what is held, whatever chunks it came in."""
    world = slow_world(100_000)
    frame = server_frame(BINARY, b"x" * 20_000)
    for _ in range(50):
        for chunk in chunked(frame, [1000]):
            world.peer.send_raw(chunk)
        world.run(0.25)
    held = sum(len(item) for item in world.fleet.take_items() if isinstance(item, bytes))
    assert held < 100_000 + 20_000 + 1000


def test_a_message_that_came_with_the_handshake_counts_whole() -> None:
    world = World(manners=Manners(never_answers=True)).start().run(0)
    world.consume(False)
    request = next(command.data for _, command in world.commands if isinstance(command, Write))
    answer = switching({"Sec-WebSocket-Accept": answer_to(request)})
    world.peer.send_raw(answer + server_frame(BINARY, b"x" * 5000))
    world.run(0)
    assert world.fleet.stats(world.now).queued_bytes >= 5000


def test_the_queue_is_no_reason_to_lose_the_connection() -> None:
    world = World({"limits": Limits(max_queue_size=BOUND), "keepalive": Keepalive(2, 2)}).open()
    world.consume(False)
    world.peer.send(BIG)
    world.run(3600)
    world.consume()
    world.run(10)
    assert world.losses == []
    assert len(world.dials) == 1


def test_a_full_queue_pauses_the_next_connection_too() -> None:
    world = slow_world(BOUND)
    world.peer.send(BIG)
    world.run(0)
    world.fleet.disconnected(1, None, world.now)
    world.run(5)
    assert reading_commands(world) == [Pause, Pause]
    world.peer.send("b")
    world.run(1)
    world.consume()
    world.run(1)
    assert reading_commands(world) == [Pause, Pause, Resume]
    assert world.messages == [BIG, "b"]


def test_close_ends_a_paused_feed_and_what_is_queued_can_still_be_taken() -> None:
    world = slow_world(BOUND)
    world.peer.send(BIG)
    world.run(0)
    world.close()
    world.run(0)
    assert reading_commands(world) == [Pause, Resume], "their answer must be read"
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf
    world.consume()
    assert world.kinds[-3:] == [repr(BIG), "Paused", "Closed"]


def test_no_deadline_is_left_when_items_were_taken_and_the_feed_ended_before_the_tick() -> None:
    world = slow_world(BOUND)
    world.peer.send(BIG)
    world.run(0)
    world.fleet.take_items()
    world.fleet.close(world.now)
    world.fleet.disconnected(1, None, world.now)
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf


def test_reading_that_did_not_pause_is_not_reported_as_paused() -> None:
    """The message that fills the queue, and the close frame, in one chunk: there is nothing left to pause."""
    world = slow_world(BOUND)
    world.peer.send_raw(server_frame(BINARY, b"x" * 100) + b"\x88\x00")
    world.run(0)
    world.consume()
    assert reading_commands(world) == []
    assert world.events(Paused) == []


@pytest.mark.parametrize("limit", [0, 1, 3, None])
def test_items_are_taken_in_portions(limit: int | None) -> None:
    world = slow_world(1 << 20)
    world.peer.send("a", "b", "c")
    world.peer.send("d", "e")
    world.run(0)
    portions = [world.fleet.take_items(limit) for _ in range(6)]
    taken = [item for portion in portions for item in portion]
    assert taken == ([] if limit == 0 else ["a", "b", "c", "d", "e"])
    assert limit is None or all(len(portion) <= limit for portion in portions)
