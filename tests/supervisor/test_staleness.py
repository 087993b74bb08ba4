"""Silence of data is seen, by its own deadline; pongs and heartbeats are not data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lattice import times
from helpers.peer import Manners, Peer
from helpers.world import TICK, World
from holdfast import Cause, Keepalive, Limits, RetryScheduled, Stale, Staleness


@given(times(TICK, 5), times(0, 6), st.integers(0, 3))
def test_silence_is_reported_when_it_is_due(after: float, pause: float, messages: int) -> None:
    world = World({"staleness": Staleness(after=after)}).open()
    for _ in range(messages):
        world.peer.send("data")
        world.run(min(pause, after - TICK))
    since = 1000 + max(messages - 1, 0) * min(pause, after - TICK)
    world.run_until(lambda: world.events(Stale), within=2 * after)
    assert world.events(Stale)[0] == Stale(since + after, 1, after)
    assert world.losses == []


def test_a_connection_without_its_first_message_is_found() -> None:
    world = World({"staleness": Staleness(after=5)}).open()
    world.run(5)
    assert world.events(Stale) == [Stale(1005, 1, 5)]


def test_silence_that_lasts_is_reported_again() -> None:
    world = World({"staleness": Staleness(after=5)}).open()
    world.run(16)
    assert [(event.at, event.silent) for event in world.events(Stale)] == [(1005, 5), (1010, 10), (1015, 15)]


def test_data_that_flows_is_no_silence() -> None:
    world = World({"staleness": Staleness(after=5)}).open()
    for _ in range(20):
        world.run(4.75)
        world.peer.send("data")
    assert world.events(Stale) == []


@pytest.mark.parametrize("sign", ["pong", "ping", "half a message"])
def test_other_signs_of_life_are_not_data(sign: str) -> None:
    world = World({"staleness": Staleness(after=5), "keepalive": Keepalive(1, 1)}).open()

    def show(peer: Peer) -> None:
        if sign == "ping":
            peer.ping(b"")
        elif sign == "half a message":
            peer.send_raw(b"\x01\x01m" if peer.world.now == 1001 else b"\x00\x01m")

    for _ in range(5):
        world.run(1)
        show(world.peer)
    assert len(world.events(Stale)) == 1


def test_without_a_limit_nothing_is_watched() -> None:
    world = World({"staleness": Staleness(after=None)}).open()
    world.run(10_000)
    assert world.events(Stale) == []


def test_with_reconnect_a_silent_connection_is_replaced() -> None:
    world = World({"staleness": Staleness(after=5, reconnect=True)}, [Manners(), Manners()]).open()
    first = world.peer
    world.run(7)
    assert world.kinds[2:] == ["Stale", "Disconnected", "RetryScheduled", "Connecting", "Connected", "Gap"]
    assert world.losses[0].cause is Cause.NO_DATA
    assert first.close is not None
    assert first.close.code == 1000
    assert world.peer is not first


def test_a_server_that_is_always_silent_meets_a_growing_backoff() -> None:
    world = World({"staleness": Staleness(after=5, reconnect=True)}).open()
    world.run(60)
    assert [event.delay for event in world.events(RetryScheduled)][:4] == [1, 2, 4, 8]


def test_paused_reading_is_no_silence() -> None:
    world = World({"staleness": Staleness(after=5, reconnect=True), "limits": Limits(max_queue_size=150)}).open()
    world.consume(False)
    world.peer.send("fills the queue" * 10)
    world.run(57)
    world.consume()
    assert world.events(Stale) == []
    assert world.losses == []
    resumed = world.now
    world.run(12)
    assert world.events(Stale)[0].at == resumed + 5


def test_the_silence_before_a_new_connection_does_not_count() -> None:
    manners = [Manners(), *[Manners(status=503)] * 4, Manners()]
    world = World({"staleness": Staleness(after=5)}, manners).open()
    world.peer.send("data")
    world.run(1)
    world.peer.hang_up()
    world.run_until(lambda: world.fleet.is_open and len(world.dials) == 6, within=60)
    opened = world.now
    world.run(4.75)
    assert world.events(Stale) == []
    world.run(0.25)
    assert world.events(Stale)[0].at == opened + 5
