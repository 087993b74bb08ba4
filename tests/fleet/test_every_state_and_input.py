"""Every input in every situation: only LocalProtocolError and FeedClosed leave, and then nothing was changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from helpers.situations import CLOSE_TIMEOUT, SITUATIONS
from helpers.world import World
from holdfast import Cause, ConfigError, Endpoint, Event, Failure, FeedClosed, LocalProtocolError

LOST = Failure(Cause.RESET, "for the test")
Input = Callable[[World], object]
# The connection that a situation is about is 1, or 2 where the first one lingers; 0 and 99 were never dialled.
DATA = (b"", b"\x81\x01m", b"\x89\x00", b"\x88\x00", b"\xff\xff", b"HTTP/1.1 404 No\r\n\r\n", b"\x00")


def about(conn: int) -> dict[str, Input]:
    """The inputs that name a connection."""

    def receiving(data: bytes) -> Input:
        return lambda world: world.give(lambda fleet, now: fleet.received(conn, data, now))

    return {
        f"connected {conn}": lambda world: world.finish_dial(conn),
        f"awaiting_proxy {conn}": lambda world: world.give(lambda fleet, now: fleet.awaiting_proxy(conn, "h:1", now)),
        f"connect_failed {conn}": lambda world: world.fail_dial(conn, LOST),
        f"postponed {conn}": lambda world: world.postpone_dial(conn, 3.0),
        f"disconnected {conn}": lambda world: world.end_stream(conn, LOST),
        f"EOF {conn}": lambda world: world.end_stream(conn),
        f"endpoint_made {conn}": lambda world: world.answer_job(
            conn, lambda fleet, now: fleet.endpoint_made(conn, Endpoint("ws://made/"), now)
        ),
        f"on_connect_done {conn}": lambda world: world.answer_job(
            conn, lambda fleet, now: fleet.on_connect_done(conn, None, now)
        ),
        f"on_connect_done with a failure {conn}": lambda world: world.answer_job(
            conn, lambda fleet, now: fleet.on_connect_done(conn, Failure(Cause.ON_CONNECT, "for the test"), now)
        ),
        f"GiveUp {conn}": lambda world: world.answer_job(
            conn, lambda fleet, now: fleet.on_connect_done(conn, Failure(Cause.ON_CONNECT, final=True), now)
        ),
        f"send_on {conn}": lambda world: world.give(lambda fleet, now: fleet.send_on(conn, "text", now)),
        **{f"received {data!r} {conn}": receiving(data) for data in DATA},
    }


INPUTS: dict[str, Input] = {
    **about(0),
    **about(1),
    **about(2),
    **about(99),
    "start": lambda world: world.give(lambda fleet, now: fleet.start(now)),
    "tick": lambda world: world.give(lambda fleet, now: fleet.tick(now)),
    "tick in the past": lambda world: world.give(lambda fleet, now: fleet.tick(now - 100)),
    "tick late": lambda world: world.oversleep(7),
    "send text": lambda world: world.send("text"),
    "send bytes": lambda world: world.send(b"bytes"),
    "send nonsense": lambda world: world.send(object()),  # type: ignore[arg-type]
    "send no UTF-8": lambda world: world.send("\ud800"),
    "remind much later": lambda world: world.fleet.remind(world.now + 1e6),
    "close": lambda world: world.close(),
    "close with a reason": lambda world: world.close(4000, "é" * 200),
    "close with a bad code": lambda world: world.close(1005),
    "take items": lambda world: world.items.extend(world.fleet.take_items()),
    "take one item": lambda world: world.items.extend(world.fleet.take_items(1)),
    "take no items": lambda world: world.fleet.take_items(0),
    "take commands": lambda world: world.fleet.take_commands(),
    "next_deadline": lambda world: world.fleet.next_deadline(),
    "stats": lambda world: world.fleet.stats(world.now),
    "wall clock": lambda world: world.fleet.set_wall_offset(5.0),
}
HARMLESS = {"tick in the past", "take no items", "take commands", "next_deadline", "stats", "wall clock"}
EACH_CASE = pytest.mark.parametrize(("situation", "given"), [(s, i) for s in SITUATIONS for i in INPUTS])


def raised_by(world: World, given: str) -> bool:
    try:
        INPUTS[given](world)
    except (LocalProtocolError, FeedClosed):
        return True
    return False


def outcome(world: World) -> object:
    """All that comes of the next half minute, with what is in the queue."""
    world.consume()
    world.run(30)
    stats = replace(world.fleet.stats(world.now), unix_time=0.0)  # that is what the wall clock is for
    return world.items, world.commands, stats, world.fleet.next_deadline()


@EACH_CASE
def test_what_raises_or_is_harmless_changes_nothing(situation: str, given: str) -> None:
    world, twin = SITUATIONS[situation](), SITUATIONS[situation]()
    inert = given in HARMLESS or given.rsplit(maxsplit=1)[-1] in ("0", "99")
    if "tick" in given and twin.fleet.next_deadline() <= twin.now:
        inert = False  # it was due: held to the present, it is no tick in the past
    if raised_by(world, given) or inert:
        assert outcome(world) == outcome(twin)


@EACH_CASE
def test_whatever_was_given_close_ends_it(situation: str, given: str) -> None:
    world = SITUATIONS[situation]()
    with suppress(LocalProtocolError, FeedClosed):
        INPUTS[given](world)
    began = world.now
    world.close()
    world.consume()
    world.run(CLOSE_TIMEOUT)
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf
    assert world.kinds[-1] == "Closed"
    assert world.kinds.count("Closed") == 1
    commands, items = len(world.commands), len(world.items)
    world.run(1000)
    assert world.fleet.take_commands() == []
    assert (len(world.commands), len(world.items)) == (commands, items)
    assert began + CLOSE_TIMEOUT <= world.now


@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_early_tick_is_a_no_op(situation: str) -> None:
    world, twin = SITUATIONS[situation](), SITUATIONS[situation]()
    for _ in range(20):
        for ahead in (0.0, 0.1, 0.2):
            deadline = world.fleet.next_deadline()
            if world.now + ahead < deadline:
                world.fleet.tick(world.now + ahead)
                assert world.fleet.next_deadline() == deadline
        world.run(0.25)
        twin.run(0.25)
    assert outcome(world) == outcome(twin)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_tick_that_is_not_due_judges_nobody(situation: str) -> None:
    world = SITUATIONS[situation]()
    world.consume()
    looks = 0
    for _ in range(200):
        deadline = world.fleet.next_deadline()
        if deadline == math.inf:
            break
        is_due = world.fleet.is_due(deadline)
        items, commands = len(world.items), len(world.commands)
        world.run(max(0.0, deadline - world.now))
        assert not world.fleet.is_due(world.now)
        world.consume()
        if not is_due:
            looks += 1
            assert (len(world.items), len(world.commands)) == (items, commands)
    assert looks > 10 or deadline == math.inf


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_deadline_is_a_pure_getter(situation: str) -> None:
    world, twin = SITUATIONS[situation](), SITUATIONS[situation]()
    for _ in range(20):
        assert len({world.fleet.next_deadline() for _ in range(5)}) == 1
        world.run(0.25)
        twin.run(0.25)
    assert outcome(world) == outcome(twin)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_time_that_runs_backwards_is_held(situation: str) -> None:
    world, twin = SITUATIONS[situation](), SITUATIONS[situation]()
    for one, moment in ((world, world.now - 500), (twin, twin.now)):
        one.tick()
        for conn in (1, 2):
            with suppress(LocalProtocolError):
                one.fleet.received(conn, b"\x81\x01m", moment)
        one.fleet.tick(moment)
        one.fleet.close(moment)
    assert outcome(world) == outcome(twin)
    assert all(event.at >= 1000 for event in world.events(Event))


def test_start_is_given_once() -> None:
    world = SITUATIONS["open"]()
    with pytest.raises(LocalProtocolError, match="twice"):
        world.fleet.start(world.now)
    assert world.fleet.is_open


def test_the_answers_to_a_dial_are_given_once() -> None:
    world = SITUATIONS["open"]()
    with pytest.raises(LocalProtocolError, match="once"):
        world.fleet.connected(1, world.now)
    with pytest.raises(LocalProtocolError, match="once"):
        world.fleet.connect_failed(1, LOST, world.now)
    assert world.fleet.is_open


def test_bytes_before_the_dial_succeeded_are_refused() -> None:
    world = SITUATIONS["dialling"]()
    with pytest.raises(LocalProtocolError, match="connected"):
        world.fleet.received(1, b"early", world.now)


def test_no_bytes_are_not_the_end_of_the_stream() -> None:
    world = SITUATIONS["open"]()
    with pytest.raises(LocalProtocolError, match="disconnected"):
        world.fleet.received(1, b"", world.now)
    assert world.fleet.is_open


def test_a_tiny_time_is_refused_or_works() -> None:
    try:
        world = World({"stall_after": 1e-14})
    except ConfigError:
        return
    world.open().tick()
    assert world.fleet.next_deadline() > world.now
