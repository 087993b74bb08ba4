"""What `stats` says, and that asking changes nothing."""

from __future__ import annotations

from helpers.peer import Manners
from helpers.world import World
from holdfast import Cause, Failure, Keepalive, Retry


def test_a_new_fleet() -> None:
    stats = World().fleet.stats(1000.0)
    assert stats.state == "idle"
    assert (stats.dials, stats.connections, stats.messages, stats.attempt) == (0, 0, 0, 0)
    assert (stats.connected_for, stats.data_age, stats.byte_age, stats.rtt, stats.last_failure) == (None,) * 5


def test_the_states_in_turn() -> None:
    world = World(manners=[Manners(dial_delay=1), Manners()])
    seen = [world.fleet.stats(world.now).state]
    world.start()
    seen.append(world.fleet.stats(world.now).state)
    world.run(1)
    seen.append(world.fleet.stats(world.now).state)
    world.peer.hang_up()
    world.run(0.5)
    seen.append(world.fleet.stats(world.now).state)
    world.run(1)
    world.peer.manners = Manners(answers_close=False, ends_stream=False)
    world.close()
    seen.append(world.fleet.stats(world.now).state)
    world.run(10)
    seen.append(world.fleet.stats(world.now).state)
    assert seen == ["idle", "connecting", "open", "waiting", "closing", "closed"]


def test_counters_and_ages() -> None:
    manners = [Manners(dial_failure=Failure(Cause.DNS)), Manners(), Manners()]
    world = World({"keepalive": Keepalive(4, 4)}, manners).open()
    world.run(1)
    world.peer.send("a", b"bc")
    world.run(4)
    stats = world.fleet.stats(world.now + 0.5)
    assert (stats.dials, stats.connections, stats.messages) == (2, 1, 2)
    assert stats.losses == {"dns": 1}
    assert (stats.connected_for, stats.data_age, stats.byte_age) == (5.5, 4.5, 1.5)
    assert stats.rtt == 0
    assert stats.last_failure == "name not resolved"
    world.peer.hang_up()
    world.run(2)
    stats = world.fleet.stats(world.now)
    assert stats.losses == {"dns": 1, "eof": 1}
    assert (stats.gaps, stats.connections, stats.dials, stats.attempt) == (1, 2, 3, 3)


def test_attempts_count_from_zero_on_a_healthy_connection() -> None:
    world = World({"retry": Retry(stable_after=4)}, [Manners(status=503), Manners()]).open()
    world.peer.send("a")
    world.run(4)
    assert world.fleet.stats(world.now).attempt == 2
    world.peer.send("b")
    world.run(0)
    assert world.fleet.stats(world.now).attempt == 0


def test_bytes_are_counted_with_their_headers() -> None:
    world = World().open()
    before = world.fleet.stats(world.now).received_bytes
    world.peer.send("abc")
    world.run(0)
    assert world.fleet.stats(world.now).received_bytes == before + 5


def test_asking_in_the_past_gives_no_negative_age() -> None:
    world = World().open()
    world.run(5)
    stats = world.fleet.stats(0.0)
    assert stats.connected_for is not None
    assert stats.connected_for >= 0
