"""What `stats` says, and that asking changes nothing."""

from __future__ import annotations

import pytest

from helpers.peer import Manners
from helpers.world import World
from holdfast import Cause, Failure, Keepalive, Retry, Staleness


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


def test_round_trips_gaps_and_time_open() -> None:
    world = World({"keepalive": Keepalive(4, 4)}, latency=0.25).open()
    opened_at = world.now
    world.run(9)
    world.peer.send("a")
    world.run(1)
    world.peer.hang_up()
    world.run_until(lambda: not world.fleet.is_open, within=1)
    lost_at = world.now
    world.run_until(lambda: world.fleet.is_open, within=10)
    again_at = world.now
    world.run(2)
    stats = world.fleet.stats(world.now)
    shard = stats.shards[1]
    assert (stats.rtts.count, stats.rtts.total) == (2, 1.0)
    assert stats.gap_causes == shard.gap_causes == {"eof": 1}
    assert shard.uptime == world.now - 1000.0
    assert shard.open_for == lost_at - opened_at + 2
    assert shard.connect_age == stats.connect_age == world.now - again_at == 2
    assert stats.gap_seconds == world.fleet.gaps[0].until - world.fleet.gaps[0].since


def test_a_rate_of_the_latest_seconds() -> None:
    world = World().open()
    for _ in range(200):
        world.peer.send("abc")
        world.run(0.25)
    stats = world.fleet.stats(world.now)
    assert stats.rate == pytest.approx(4.0, rel=0.06)
    assert stats.byte_rate == pytest.approx(20.0, rel=0.06)
    assert stats.shards[1].history[-5:] == (4.0,) * 5
    world.run(60)
    stats = world.fleet.stats(world.now)
    assert (stats.rate, stats.byte_rate) == (0.0, 0.0)
    assert stats.shards[1].history[-11:] == (0.0,) * 11


def test_stale_is_who_is_open_and_silent() -> None:
    world = World({"staleness": Staleness(after=10)}).open()
    world.peer.send("a")
    world.run(9)
    assert not world.fleet.stats(world.now).shards[1].stale
    world.run(1)
    assert world.fleet.stats(world.now).shards[1].stale
    world.peer.hang_up()
    world.run(0.5)
    assert not world.fleet.stats(world.now).shards[1].stale


def test_the_latest_events_whoever_takes_them() -> None:
    world = World({"keepalive": Keepalive(4, 4)}).open()
    world.consume(False)
    world.run(5)
    world.peer.hang_up()
    world.run(5)
    lately = [type(event).__name__ for event, _, _ in world.fleet.recent_events]
    assert lately == ["Connecting", "Connected", "Disconnected", "RetryScheduled", "Connecting", "Connected", "Gap"]
    for _ in range(300):
        world.peer.hang_up()
        world.run(20)
    assert len(world.fleet.recent_events) == 200
    assert world.fleet.recent_events[-1].event.at > world.now - 20


def test_why_a_feed_has_ended() -> None:
    world = World(manners=[Manners(status=401)]).start()
    assert world.fleet.stats(world.now).ended is None
    world.run(1)
    ended = world.fleet.stats(world.now).ended
    assert ended is not None
    assert "401" in ended
    world = World().open()
    world.close()
    assert world.fleet.stats(world.now).ended == ""


def test_the_wall_clock_is_told() -> None:
    stats = World(wall_offset=1_700_000_000.0).open().fleet.stats(2000.0)
    assert (stats.at, stats.unix_time) == (2000.0, 1_700_002_000.0)


def test_what_was_remembered_happened_when_the_wall_clock_said_so() -> None:
    world = World(wall_offset=1_700_000_000.0).open()
    world.fleet.set_wall_offset(1_800_000_000.0)  # the machine slept, or somebody set the clock
    world.peer.hang_up()
    world.run(0.5)
    times = [recent.unix_time for recent in world.fleet.recent_events]
    assert times == [1_700_001_000.0, 1_700_001_000.0, 1_800_001_000.0, 1_800_001_000.0]
