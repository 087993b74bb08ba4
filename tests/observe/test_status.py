"""What `/status` and `/ready` say of feeds."""

from __future__ import annotations

import json

from helpers.combined import service
from helpers.peer import Manners
from helpers.sea import ALL, Sea
from helpers.views import View, view_of
from helpers.world import World
from holdfast import Cause, Failure, Patience, Sharding, Stale, Staleness
from holdfast.observe import VERSION, status, unready

UNIX = 1_700_000_000.0


def test_a_healthy_feed() -> None:
    world = World(wall_offset=UNIX).open()
    world.peer.send("a")
    world.run(1)
    told = status({"prices": view_of(world)})
    assert (told["version"], told["ready"], told["reasons"], told["time"]) == (VERSION, True, [], UNIX + world.now)
    feed = told["feeds"]["prices"]
    assert (feed["state"], feed["messages"], feed["ended"]) == ("open", 1, None)
    shard = feed["shards"]["1"]
    assert (shard["state"], shard["healthy"], shard["reasons"], shard["data_age"]) == ("open", True, [], 1.0)
    assert [leg["state"] for leg in shard["legs"]] == ["open"]
    assert [event["event"] for event in feed["events"]] == ["Connecting", "Connected"]
    assert feed["events"][1]["at"] == UNIX + 1000.0
    assert feed["events"][1]["level"] == "info"
    assert feed["events"][1]["text"].startswith("connected to ws://example.com/feed")


def test_all_of_it_is_json() -> None:
    world = World({"staleness": Staleness(after=5)}).open()
    for _ in range(3):
        world.peer.send("a")
        world.run(7)
        world.peer.hang_up()
        world.run(3)
    told = status({"prices": view_of(world)}, streams=True)
    assert json.loads(json.dumps(told, allow_nan=False))["feeds"]["prices"]["gaps"] == 2


def test_a_gap_is_told_with_its_times() -> None:
    world = World(wall_offset=UNIX).open()
    world.run(3)
    world.peer.hang_up()
    world.run(5)
    (gap,) = status({"prices": view_of(world)})["feeds"]["prices"]["recent_gaps"]
    (declared,) = world.fleet.gaps
    assert (gap["since"], gap["until"]) == (UNIX + declared.since, UNIX + declared.until)
    assert (gap["cause"], gap["filled_by"], gap["stream"]) == ("eof", None, None)


def test_secrets_are_not_told() -> None:
    world = World(
        manners=[Manners(dial_failure=Failure(Cause.DNS)), Manners()], source="ws://u:pw1@h/?token=pw2"
    ).open()
    assert "pw1" not in json.dumps(status({"a": view_of(world)}))
    assert "pw2" not in json.dumps(status({"a": view_of(world)}))


def test_streams_only_when_asked_for() -> None:
    sea = Sea(service(*ALL[:3]))
    sea.run(10.0)
    view = View(sea.fleet, sea.world)
    assert "stream_stats" not in status({"a": view})["feeds"]["a"]
    streams = status({"a": view}, streams=True)["feeds"]["a"]["stream_stats"]
    assert set(streams) == set(ALL[:3])
    assert streams[ALL[0]]["state"] == "subscribed"


def test_each_shard_by_its_number_and_whose_events() -> None:
    sea = Sea(service(*ALL[:6]), sharding=Sharding(max_streams_per_connection=2))
    sea.run(10.0)
    told = status({"a": View(sea.fleet, sea.world)})["feeds"]["a"]
    assert list(told["shards"]) == ["1", "2", "3"]
    assert {event["shard"] for event in told["events"] if event["event"] == "Subscribed"} == {1, 2, 3}
    assert [shard["streams"] for shard in told["shards"].values()] == [2, 2, 2]


# Why something is not ready


def test_nothing_is_ready_before_it_is_open() -> None:
    world = World(manners=[Manners(dial_failure=Failure(Cause.REFUSED)), Manners()])
    assert unready({"a": view_of(world)}) == ["a: idle"]
    world.start()
    assert unready({"a": view_of(world)}) == ["a: connecting, attempt 1"]
    world.run(0.5)
    assert unready({"a": view_of(world)}) == ["a: waiting, attempt 1: connection refused"]
    world.run(5)
    assert unready({"a": view_of(world)}) == []


def test_streams_that_are_not_acknowledged() -> None:
    sea = Sea(service(*ALL[:3]))
    while not sea.fleet.is_open:
        sea.run(0.0625)
    assert unready({"a": View(sea.fleet, sea.world)}) == ["a: 3 of 3 streams are not acknowledged"]
    sea.run(5.0)
    assert unready({"a": View(sea.fleet, sea.world)}) == []


def test_no_data() -> None:
    world = World({"staleness": Staleness(after=60)}).open()
    world.run(60)
    assert unready({"a": view_of(world)}) == ["a: no message yet"]
    world.peer.send("a")
    world.run(1)
    assert unready({"a": view_of(world)}) == []
    world.run(70)
    assert unready({"a": view_of(world)}) == ["a: no message for 71 s"]


def test_silent_streams() -> None:
    sea = Sea(service(*ALL[:3], patient=Patience(silence=10.0), lists=False))
    sea.run(20.0)
    sea.forget(ALL[0])
    while not sea.of(Stale):
        sea.run(0.125)
    assert unready({"a": View(sea.fleet, sea.world)}) == [
        "a: 1 of 3 streams are not acknowledged",
        "a: 1 of 3 streams are silent",
    ]


def test_one_shard_of_several() -> None:
    sea = Sea(service(*ALL[:4]), sharding=Sharding(max_streams_per_connection=2))
    sea.run(10.0)
    (first, *_) = next(iter(sea.fleet._shards._running.values())).connections
    sea.fleet.disconnected(first, None, sea.world.now)
    (reason,) = unready({"a": View(sea.fleet, sea.world), "b": view_of(World().open())})
    assert reason.startswith("a, shard 1: waiting, attempt 1: connection ended")


def test_what_gave_up_is_not_ready() -> None:
    world = World(manners=[Manners(status=401)]).start()
    world.run(1)
    (reason,) = unready({"a": view_of(world)})
    assert reason.startswith("a: gave up: HTTP 401")
    assert not status({"a": view_of(world)})["ready"]
