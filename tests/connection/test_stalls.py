"""When our own process did not run, that is reported, once, and nobody else pays for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lattice import times
from helpers.peer import Manners
from helpers.world import TICK, World
from holdfast import Cause, ConnectFailed, Disconnected, Keepalive, Stale, Staleness, Stall, Timeouts


@given(times(TICK, 4), times(TICK, 30), times(0, 3))
def test_a_stall_is_reported_once_with_its_duration(stall_after: float, duration: float, runs: float) -> None:
    world = World({"stall_after": stall_after}).open()
    world.run(runs)
    world.oversleep(duration)
    world.peer.send("read at once, at the same moment")
    world.run(3 * stall_after)
    stalls = world.events(Stall)
    # We look at the clock every `stall_after`, so the stall began at most that long before the missed look.
    if duration >= 2 * stall_after:
        assert len(stalls) == 1
    assert len(stalls) <= 1
    for stall in stalls:
        assert stall_after <= stall.duration <= duration
        assert stall.duration > duration - stall_after - TICK
    assert world.fleet.stats(world.now).stalls == len(stalls)
    assert world.losses == []


def test_what_is_read_behind_a_stall_is_no_further_stall() -> None:
    """Each chunk that waited is an input before the overdue tick; the time away counts once for all of them."""
    world = World({"keepalive": Keepalive(2, 8)}, Manners(answers_pings=False)).open()
    for seconds in (3, 4, 5):
        world.later(seconds, lambda: world.peer.send("waiting"))
    world.run(1)
    world.oversleep(10)
    assert len(world.messages) == 3
    assert [stall.duration for stall in world.events(Stall)] == [9]
    world.peer.die()
    world.run_until(lambda: world.losses, within=2 + 8)


def test_punctual_ticks_are_no_stall() -> None:
    world = World({"stall_after": TICK, "keepalive": Keepalive(1, 1)}).open()
    world.run(100)
    assert world.events(Stall) == []


@pytest.mark.parametrize("late", [0.0, 0.01, 0.04])
def test_timers_that_fire_a_little_late_are_no_stall(late: float) -> None:
    world = World({"keepalive": Keepalive(1, 1), "stall_after": 0.25}).open()
    for _ in range(100):
        deadline = world.fleet.next_deadline()
        world.oversleep(deadline - world.now + late)
    assert world.events(Stall) == []
    assert world.losses == []


@given(times(0, 3), times(TICK, 20), times(TICK, 3))
def test_a_stall_does_not_shorten_the_wait_for_a_pong(before: float, stall: float, timeout: float) -> None:
    """The peer gets a whole timeout, less the step of a quarter that our looks at the clock leave unseen."""
    world = World({"keepalive": Keepalive(2, timeout)}, Manners(answers_pings=False)).open()
    world.run(2)
    world.run(min(before, timeout - TICK))
    waited = min(before, timeout - TICK)
    world.oversleep(stall)
    world.run_until(lambda: world.losses, within=2 * timeout)
    (lost,) = world.events(Disconnected)
    awake = waited + (lost.at - (1002 + waited + stall))
    assert awake >= timeout - timeout / 4


def test_a_stall_does_not_shorten_the_connect_timeout() -> None:
    world = World({"timeouts": Timeouts(connect=5)}, Manners(never_answers=True)).start()
    world.run(1)
    world.oversleep(20)
    assert world.events(ConnectFailed) == []
    world.run_until(lambda: world.events(ConnectFailed), within=5)
    assert world.now >= 1000 + 5 + 20 - 1


@given(st.integers(1, 3), times(2, 30))
def test_a_stall_is_not_taken_for_silence_of_data(looks: int, duration: float) -> None:
    world = World({"staleness": Staleness(after=4), "stall_after": 0.25}).open()
    world.run(looks)
    world.oversleep(duration)
    assert world.events(Stale) == []
    world.run(4 - looks - 0.5)
    assert world.events(Stale) == []
    world.run(0.75)
    assert len(world.events(Stale)) == 1


def test_a_stall_across_everything_costs_nothing() -> None:
    """The row of the table of failures: 30 s blocked, a healthy connection, and it lives."""
    world = World({"keepalive": Keepalive(2, 2)}).open()
    for _ in range(5):
        world.stall(30)
        world.run(31)
    assert world.losses == []
    assert len(world.dials) == 1
    assert len(world.events(Stall)) == 5


def test_bytes_that_came_during_a_stall_are_read_before_the_peer_is_judged() -> None:
    world = World({"keepalive": Keepalive(2, 2)}, Manners(answers_pings=False)).open()
    world.run(2.25)
    world.later(1.0, lambda: world.peer.send("alive"))
    world.oversleep(60)
    assert world.losses == []
    assert world.messages == ["alive"]


def test_a_dead_peer_is_found_by_a_process_that_is_always_late() -> None:
    world = World({"keepalive": Keepalive(4, 4), "stall_after": 10}).open()
    world.peer.die()
    for _ in range(200):
        if world.losses:
            break
        late = max(world.fleet.next_deadline() - world.now, 0) + 0.5
        world.oversleep(late)
    assert [failure.cause for failure in world.losses] == [Cause.PONG_TIMEOUT]
    assert world.now - 1000 < 20


def test_no_stall_is_reported_behind_close() -> None:
    world = World(manners=Manners(answers_close=False, ends_stream=False)).open()
    world.close()
    world.stall(100)
    world.run(200)
    assert world.kinds[-1] == "Closed"
    assert world.fleet.is_closed
