"""What happens at the bound of the queue when it is not a pause: bounded, in order, and every loss declared."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.frames import server_frame
from helpers.peer import Manners
from helpers.upgrade import answer_to, switching
from helpers.world import World
from holdfast import Cause, Closed, Disconnected, Event, FeedOptions, Gap, Item, Limits, Overflow, Paused, Update
from holdfast.commands import Write
from holdfast.dialects import binance
from holdfast.wire import TEXT

COST = 64
EVENTS = 4 * COST  # at most so many events stand in the queues of these tests
DOINGS = st.lists(st.tuples(st.sampled_from(["send", "send", "take"]), st.integers(1, 8)), max_size=30)


def numbered(index: int) -> str:
    return f"{index % 3} {index:05d}"


def key_of(message: str | bytes) -> Hashable:
    return message[:1]


def slow_world(overflow: Overflow, bound: int) -> World:
    world = World({"overflow": overflow, "limits": Limits(max_queue_size=bound)}).open()
    world.fleet.take_items()
    world.consume(False)
    return world


def carry_out(world: World, doings: list[tuple[str, int]], bound: int) -> tuple[list[float], list[Item]]:
    """Returns when each message was sent, and all items in the end."""
    sent_at: list[float] = []
    taken: list[Item] = []
    for doing, amount in doings:
        if doing == "send":
            world.peer.send(*(numbered(len(sent_at) + index) for index in range(amount)))
            sent_at += [world.now] * amount
        else:
            taken += world.fleet.take_items(amount)
        world.run(0.25)
        assert world.fleet.stats(world.now).queued_bytes <= bound + 8 * (COST + 20) + EVENTS
    return sent_at, taken + world.fleet.take_items()


def assert_losses_declared(sent_at: list[float], items: list[Item]) -> None:
    """Each message that is missing lies within a gap that stands before the first message behind it."""
    found = {item: index for index, item in enumerate(items) if not isinstance(item, Event)}
    gaps = [(index, item) for index, item in enumerate(items) if isinstance(item, Gap)]
    assert list(found) == sorted(found, key=lambda message: str(message)[2:]), "out of order"
    missing = [number for number in range(len(sent_at)) if numbered(number) not in found]
    assert sum(gap.dropped for _, gap in gaps) == len(missing)
    for number in missing:
        behind = [found[numbered(after)] for after in range(number, len(sent_at)) if numbered(after) in found]
        assert any(
            gap.since <= sent_at[number] <= gap.until and index < min(behind, default=len(items)) for index, gap in gaps
        ), f"message {number} is missing, and no gap says so"


@pytest.mark.parametrize(
    "overflow",
    [
        Overflow("drop_oldest"),
        Overflow("drop_newest"),
        Overflow("conflate", key_of),
    ],
    ids=lambda overflow: overflow.policy,
)
@given(doings=DOINGS, bound=st.integers(1, 1500))
@example(doings=[("send", 1), ("send", 4)], bound=1)
def test_what_is_dropped_is_declared(overflow: Overflow, doings: list[tuple[str, int]], bound: int) -> None:
    world = slow_world(overflow, bound)
    sent_at, items = carry_out(world, doings, bound)
    assert_losses_declared(sent_at, items)
    messages = [item for item in items if not isinstance(item, Event)]
    if overflow.policy != "drop_newest":
        assert messages[-1:] == [numbered(len(sent_at) - 1) for _ in sent_at[-1:]], "the newest is always there"
    assert world.fleet.stats(world.now).dropped == len(sent_at) - len(messages)
    assert all(gap.cause.cause is Cause.OVERFLOW for gap in items if isinstance(gap, Gap))
    assert world.fleet.is_open


def filled(overflow: Overflow, count: int = 30) -> list[Item]:
    world = slow_world(overflow, 1000)
    for index in range(count):
        world.peer.send(numbered(index))
        world.run(0.25)
    return world.fleet.take_items()


def test_drop_oldest_keeps_the_newest() -> None:
    gap, *rest = filled(Overflow("drop_oldest"))
    assert isinstance(gap, Gap)
    assert gap.dropped == 30 - len(rest)
    assert rest == [numbered(index) for index in range(30 - len(rest), 30)]
    assert len(rest) * (COST + 9) > 500


def test_drop_newest_keeps_the_oldest() -> None:
    *rest, gap = filled(Overflow("drop_newest"))
    assert isinstance(gap, Gap)
    assert gap.dropped == 30 - len(rest)
    assert rest == [numbered(index) for index in range(len(rest))]
    assert len(rest) * (COST + 9) > 500


@pytest.mark.parametrize("overflow", [Overflow("drop_oldest"), Overflow("conflate", lambda message: message)])
def test_of_a_chunk_beyond_the_bound_the_newest_messages_stay(overflow: Overflow) -> None:
    """Or who takes at once all that there is would get nothing for ever."""
    world = slow_world(overflow, 1000)
    world.peer.send(*(numbered(index) for index in range(30)))
    world.run(0)
    gap, *rest = world.fleet.take_items()
    assert isinstance(gap, Gap)
    assert gap.dropped == 30 - len(rest)
    assert rest == [numbered(index) for index in range(30 - len(rest), 30)]
    assert 500 < len(rest) * (COST + 9) <= 1000


def test_conflation_keeps_the_newest_of_every_key() -> None:
    gap, *rest = filled(Overflow("conflate", key_of), count=14)
    assert isinstance(gap, Gap)
    assert rest == [numbered(index) for index in (11, 12, 13)]


def test_conflation_keeps_the_newest_of_every_key_within_a_chunk() -> None:
    world = slow_world(Overflow("conflate", key_of), 1000)
    world.peer.send(*(numbered(index) for index in range(20)))
    world.run(0)
    gap, *rest = world.fleet.take_items()
    assert isinstance(gap, Gap)
    assert gap.dropped == 17
    assert rest == [numbered(index) for index in (17, 18, 19)]


def test_pings_do_not_make_the_next_message_too_big() -> None:
    world = slow_world(Overflow("drop_oldest"), 1000)
    for _ in range(20):
        world.peer.ping(b"p" * 125)
        world.run(0.25)
    world.peer.send("data")
    world.run(0)
    assert world.fleet.take_items() == ["data"]


def test_nothing_is_dropped_below_the_bound() -> None:
    for overflow in (Overflow("drop_oldest"), Overflow("drop_newest")):
        assert filled(overflow, count=13) == [numbered(index) for index in range(13)]


def test_other_policies_do_not_pause() -> None:
    for overflow in (Overflow("drop_oldest"), Overflow("drop_newest"), Overflow("conflate", key_of)):
        assert not any(isinstance(item, Paused) for item in filled(overflow))


def test_fail_ends_the_feed_and_what_is_queued_can_be_taken() -> None:
    world = slow_world(Overflow("fail"), 1000)
    for index in range(30):
        world.peer.send(numbered(index))
        world.run(0.25)
    items = world.fleet.take_items()
    *messages, lost, closed = items
    assert messages == [numbered(index) for index in range(len(messages))]
    assert len(messages) * (COST + 9) >= 1000 - EVENTS
    assert isinstance(lost, Disconnected)
    assert isinstance(closed, Closed)
    assert closed.failure is not None
    assert closed.failure.cause is Cause.OVERFLOW
    assert world.peer.close is not None
    world.run(10)
    assert world.fleet.is_closed


def depth(stream: str, first: int, last: int) -> str:
    book = f'{{"e":"depthUpdate","E":1,"s":"X","U":{first},"u":{last},"b":[],"a":[]}}'
    return f'{{"stream":"{stream}","data":{book}}}'


@pytest.mark.parametrize(
    "behind",
    [
        [depth("ausdt@depth", 9, 9), depth("ausdt@depth", 10, 10)],  # numbers 3 to 8 are missing before it
        [depth("busdt@depth", 1, 1)],  # the first of its stream
        ['{"result":null,"id":1}', depth("busdt@depth", 1, 1)],  # what was asked for is acknowledged
        ['{"error":{"code":2,"msg":"no"},"id":1}', depth("ausdt@depth", 9, 9)],
    ],
    ids=["a hole", "another stream", "an answer", "a refusal"],
)
@pytest.mark.parametrize("checked", [True, False])
def test_when_it_fails_in_the_midst_of_a_chunk_nothing_comes_behind_the_end(behind: list[str], checked: bool) -> None:
    options: FeedOptions = {
        "overflow": Overflow("fail"),
        "limits": Limits(max_queue_size=100),
        "check_sequences": checked,
    }
    streams = ("ausdt@depth", "busdt@depth")
    service = binance.spot(*streams, endpoint="ws://example.com/stream")
    world = World(options, Manners(), source=service).open()  # type: ignore[arg-type]  # a Service will do, too
    world.fleet.take_items()
    world.consume(False)
    first = depth("ausdt@depth", 1, 2)
    world.peer.send_raw(b"".join(server_frame(TEXT, text.encode()) for text in (first, *behind)))
    world.run(0)
    items = world.fleet.take_items()
    assert isinstance(items[-1], Closed)
    assert [type(item).__name__ for item in items].count("Closed") == 1
    assert any(isinstance(item, Update) and item.text == first for item in items)


def test_when_it_fails_dials_of_other_legs_are_over_and_what_they_still_bring_is_inert() -> None:
    hangs = Manners(never_dials=True)
    options: FeedOptions = {"overflow": Overflow("fail"), "limits": Limits(max_queue_size=5 * COST), "legs": 3}
    world = World(options, [Manners(answers_close=False, ends_stream=False), hangs, hangs])
    world.consume(False)
    world.start().run(0.25)
    assert world.fleet.ended is None
    world.peers[0].send("one", "two", "three")
    world.run(0)
    assert world.fleet.ended is not None
    for conn in (2, 3):
        world.fleet.received(conn, b"late", world.now)
        world.fleet.connected(conn, world.now)
    assert not world.fleet.is_closed
    world.run(10)
    assert world.fleet.is_closed


def unreadable(_: str | bytes) -> Hashable:
    raise ValueError("no key in it")


def unhashable(message: str | bytes) -> Any:
    return [message]  # a user's mistake, which may only show with some messages


@pytest.mark.parametrize(
    "key",
    [unreadable, unhashable],
)
def test_a_message_whose_key_cannot_be_used_stands_for_itself(key: Callable[[str | bytes], Hashable]) -> None:
    gap, *rest = filled(Overflow("conflate", key))
    assert isinstance(gap, Gap)
    assert rest == [numbered(index) for index in range(30 - len(rest), 30)]


def test_nothing_stands_behind_closed_when_the_queue_is_full_at_the_opening() -> None:
    world = World(
        {"overflow": Overflow("fail"), "limits": Limits(max_queue_size=400)},
        [Manners(), Manners(never_answers=True)],
    ).open()
    world.consume(False)
    world.peer.send("x" * 100)
    world.run(0)
    world.peer.hang_up()
    world.run(1)
    request = [command.data for _, command in world.commands if isinstance(command, Write)][-1]
    world.peer.send_raw(switching({"Sec-WebSocket-Accept": answer_to(request)}) + server_frame(TEXT, b"early"))
    world.run(1)
    items = world.fleet.take_items()
    assert isinstance(items[-1], Closed)
