"""A dial for which the driver finds no place in a window that others share."""

from __future__ import annotations

import pytest

from helpers.peer import Manners
from helpers.world import World
from holdfast import (
    Backoff,
    Cause,
    Connected,
    Connecting,
    DialWindow,
    Failure,
    LocalProtocolError,
    RetryScheduled,
    Rotated,
)
from holdfast.commands import Connect

STEADY = Backoff(initial=1.0, factor=1.0, maximum=1.0, jitter=0.0)


class Strict(World):
    """Its driver postpones the dials of these numbers by five seconds, a quarter of a second after it was asked."""

    def __init__(self, *conns: int, **options: object) -> None:
        super().__init__({"backoff": STEADY, **options})  # type: ignore[typeddict-item]
        self.postponed = conns

    def _dial(self, socket, endpoint) -> None:
        conn = socket.conn
        if conn in self.postponed:
            self._manners.appendleft(Manners(never_dials=True))
            self.later(0.25, lambda: self.postpone_dial(conn, 5.0))
        super()._dial(socket, endpoint)


def test_it_goes_out_later_and_is_the_same_attempt() -> None:
    world = Strict(1, 2).start().run(20)
    assert [(event.at - 1000, event.attempt) for event in world.events(Connecting)] == [(0, 1), (5.25, 1), (10.5, 1)]
    waits = world.events(RetryScheduled)
    assert [(event.delay, event.attempt, event.failure.cause) for event in waits] == [(5.0, 1, Cause.DIAL_WINDOW)] * 2
    assert "all processes" in waits[0].failure.detail
    assert len(world.events(Connected)) == 1
    stats = world.fleet.stats(world.now)
    assert (stats.dials, stats.losses, stats.attempt) == (1, {}, 1)


def test_it_takes_no_place_in_the_window_of_the_feed() -> None:
    world = Strict(1, 2, 3, dial_window=DialWindow(1, 1000.0)).start().run(30)
    assert world.fleet.is_open


def test_it_is_no_dial_in_vain() -> None:
    world = Strict(1, 2, 3, 4, restart_after=2)
    world._manners.appendleft(Manners(dial_failure=Failure(Cause.REFUSED)))
    world.start().run(60)
    assert [event.failure.cause for event in world.events(RetryScheduled)][4:] == [Cause.REFUSED]
    assert world.fleet.is_open


def test_a_rotation_waits_for_it_and_loses_nothing() -> None:
    world = Strict(2)
    world._audit.item = lambda item: None  # type: ignore[method-assign]  # it knows of one connection at a time
    world.open()
    world.give(lambda fleet, now: fleet.rotate(now))
    world.run(1)
    merge = world.fleet._shards._running[1]._legs.delivery._merge
    assert merge is not None
    assert list(merge.lines) == [1], "who was not dialled brings nothing"
    for _ in range(20):
        world.run(1)
        for peer in world.peers:
            peer.send("a")
    assert world.fleet.is_open
    assert world.events(Rotated)


def test_closed_meanwhile_nothing_comes_of_it() -> None:
    world = Strict(1).start()
    world.close()
    world.run(20)
    assert world.fleet.is_closed
    assert not [command for _, command in world.commands if isinstance(command, Connect)][1:]


def test_in_the_past_it_is_dialled_at_once_and_only_a_dial_can_be_postponed() -> None:
    world = World().open()
    with pytest.raises(LocalProtocolError, match=r"postponed\(1\)"):
        world.fleet.postponed(1, world.now + 1, world.now)
    assert world.fleet.is_open
    late = World(manners=[Manners(never_dials=True), Manners()]).start()
    late.postpone_dial(1, -50.0)
    late.run(1)
    assert late.fleet.is_open
