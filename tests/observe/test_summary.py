"""A feed in lines of a log."""

from __future__ import annotations

import pytest

from helpers.combined import service
from helpers.peer import Manners
from helpers.sea import ALL, Sea
from helpers.world import World
from holdfast import Cause, ConfigError, Failure, Sharding
from holdfast.observe import Line, Summary
from holdfast.phrases import INFO, WARNING


def after(world: World, seconds: float, summary: Summary) -> list[Line]:
    """What it says meanwhile, asked every second."""
    found: list[Line] = []
    for _ in range(int(seconds)):
        world.run(1)
        found += summary.lines(world.fleet.stats(world.now))
    return found


def test_a_line_after_so_many_messages() -> None:
    world = World().open()
    summary = Summary(every_messages=500, every_seconds=None, overview_every=None)
    assert summary.lines(world.fleet.stats(world.now)) == []
    world.peer.send(*["a"] * 499)
    assert after(world, 5, summary) == []
    world.peer.send("a")
    (line,) = after(world, 5, summary)
    assert line.level == INFO
    assert line.text == (
        "500 messages, 500 in the last 6 s (83 messages/s), the latest 1 s ago, 1 of 1 open, 0 lost connections, 0 gaps"
    )
    world.peer.send(*["a"] * 5000)
    assert len(after(world, 5, summary)) == 1


def test_a_line_after_so_many_seconds_however_little_came() -> None:
    world = World().open()
    summary = Summary(every_messages=500, every_seconds=10.0, overview_every=None)
    summary.lines(world.fleet.stats(world.now))
    lines = after(world, 35, summary)
    assert [line.text.split(", ")[:3] for line in lines] == [
        ["0 messages", "0 in the last 10 s (0.0 messages/s)", "none yet"]
    ] * 3


def test_an_overview_has_a_line_for_each_shard() -> None:
    sea = Sea(service(*ALL[:6]), sharding=Sharding(max_streams_per_connection=2))
    summary = Summary(every_messages=None, every_seconds=None, overview_every=60.0)
    summary.lines(sea.fleet.stats(sea.world.now))
    sea.run(59.0)
    assert summary.lines(sea.fleet.stats(sea.world.now)) == []
    shard = next(iter(sea.fleet._shards._running.values()))
    sea.fleet.disconnected(next(iter(shard.connections)), Failure(Cause.RESET), sea.world.now)
    stats = sea.fleet.stats(sea.world.now + 1.0)
    head, first, second, third = summary.lines(stats)
    assert head.text.startswith("2 of 3 shards healthy, 6 streams, ")
    assert first.text.startswith("shard 1: waiting, 2 streams, ")
    assert first.text.endswith("1 lost connection (reset 1), 0 gaps; connection reset")
    assert second.text.startswith("shard 2: open for 5")
    assert third.text.endswith("0 lost connections, 0 gaps")
    assert summary.lines(stats) == []


def test_a_warning_at_many_lost_connections_and_at_each_multiple() -> None:
    world = World(manners=Manners(dial_failure=Failure(Cause.REFUSED))).start()
    summary = Summary(every_messages=None, every_seconds=None, overview_every=None, warn_at=10)
    summary.lines(world.fleet.stats(world.now))
    lines = after(world, 8 * 32, summary)
    assert [line.level for line in lines] == [WARNING] * 3
    assert lines[0].text == "10 lost connections a shard on average: refused 10"


@pytest.mark.parametrize(
    "wrong", [{"every_messages": 0}, {"every_seconds": -1.0}, {"overview_every": 0.0}, {"warn_at": 1.5}]
)
def test_impossible_settings_are_refused(wrong) -> None:
    with pytest.raises(ConfigError, match=f"Summary.{next(iter(wrong))}"):
        Summary(**wrong)
