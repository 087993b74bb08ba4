"""Every way in which an open connection ends, and what is said on the wire."""

from __future__ import annotations

import math

import pytest

from helpers.frames import server_frame
from helpers.peer import Manners
from helpers.world import World
from holdfast import Cause, Disconnected, Failure, Gap, Limits, Timeouts
from holdfast.commands import Command, Disconnect, Write
from holdfast.wire import BINARY, PING, TEXT

SILENT = Manners(answers_close=False, ends_stream=False)


def disconnects(world: World) -> list[tuple[float, Command]]:
    return [(at, command) for at, command in world.commands if isinstance(command, Disconnect)]


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4001])
def test_their_close_is_reported_and_echoed(code: int) -> None:
    world = World(manners=[Manners(), Manners()]).open()
    first = world.peer
    first.send("last words")
    first.say_close(code, "enough")
    world.run(0.25)
    (failure,) = world.losses
    assert (failure.cause, failure.code, failure.detail) == (Cause.CLOSED, code, "enough")
    assert first.close is not None
    assert first.close.code == code
    assert world.messages == ["last words"]


def test_their_empty_close_is_echoed_empty() -> None:
    world = World().open()
    first = world.peer
    first.send_raw(b"\x88\x00")
    world.run(0)
    assert world.losses[0].code == 1005
    assert world.commands[-1][1].data[:2] == b"\x88\x80"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (server_frame(TEXT, b"\xff"), 1007),
        (server_frame(3), 1002),
        (server_frame(TEXT, b"masked", mask=b"abcd"), 1002),
        (server_frame(BINARY, b"x" * 101), 1009),
    ],
)
def test_a_violation_is_answered_with_its_code(data: bytes, code: int) -> None:
    world = World({"limits": Limits(max_message_size=100)}).open()
    first = world.peer
    first.send("good")
    first.send_raw(data + server_frame(TEXT, b"not read"))
    world.run(0)
    (failure,) = world.losses
    assert (failure.cause, failure.code) == (Cause.PROTOCOL, code)
    assert failure.detail
    assert first.close is not None
    assert first.close.code == code
    assert world.messages == ["good"]


@pytest.mark.parametrize("failure", [None, Failure(Cause.RESET, "by peer")])
def test_the_end_of_the_stream_needs_no_command(failure: Failure | None) -> None:
    world = World().open()
    before = len(world.commands)
    world.peer.hang_up(failure)
    world.run(0)
    assert world.losses[0].cause is (Cause.EOF if failure is None else Cause.RESET)
    assert len(world.commands) == before


@pytest.mark.parametrize("how", ["their close", "violation"])
def test_a_connection_that_was_lost_is_gone_at_its_close_deadline(how: str) -> None:
    world = World({"timeouts": Timeouts(close=3)}, [SILENT, Manners()]).open()
    world.run(1)
    if how == "violation":
        world.peer.send_raw(server_frame(3))
    else:
        world.peer.say_close()
    world.run(10)
    assert disconnects(world) == [(1004.0, Disconnect(1))]
    assert world.fleet.is_open


def test_what_an_ending_connection_still_brings_is_ignored() -> None:
    world = World({"limits": Limits(max_message_size=100)}, [SILENT, Manners()]).open()
    first = world.peer
    first.send_raw(server_frame(BINARY, b"x" * 101))
    world.run(0.5)
    first.send_raw(server_frame(TEXT, b"late") + server_frame(PING, b"late"))
    first.send_raw(b"\x88\x00")
    world.run(3)
    assert world.messages == []
    assert len(world.losses) == 1
    assert [command.conn for at, command in world.commands if at > 1000.5 and command.conn == 1] == []


def test_lasted_and_gap_are_measured_from_the_right_moments() -> None:
    world = World().open()
    world.run(2)
    world.peer.send("m")
    world.run(3)
    world.peer.hang_up()
    world.run(2)
    (lost,) = world.events(Disconnected)
    (gap,) = world.events(Gap)
    assert (lost.at, lost.lasted) == (1005, 5)
    assert (gap.since, gap.until, gap.cause) == (1002, 1006, lost.failure)


# The close that we begin


@pytest.mark.parametrize("manners", [Manners(), SILENT, Manners(answers_close=False), Manners(ends_stream=False)])
def test_our_close_ends_within_its_time_whatever_the_peer_does(manners: Manners) -> None:
    world = World({"timeouts": Timeouts(close=2)}, manners).open()
    peer = world.peer
    world.close(1001, "moving")
    world.run(2)
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf
    assert world.kinds == ["Connecting", "Connected", "Closed"]
    assert peer.close is not None
    assert (peer.close.code, peer.close.reason) == (1001, "moving")


def test_our_close_is_the_last_thing_written() -> None:
    world = World(manners=SILENT).open()
    world.send("before")
    world.close()
    world.peer.ping(b"x")
    world.peer.send("y")
    world.run(10)
    written = [command.data[0] & 0xF for _, command in world.commands[2:] if isinstance(command, Write)]
    assert written == [TEXT, 8]
    assert world.messages == []


def test_a_peer_that_is_stuck_does_not_hold_up_close() -> None:
    world = World({"timeouts": Timeouts(close=2)}).open()
    world.peer.die()
    world.close()
    world.run(2)
    assert world.fleet.is_closed
    assert disconnects(world) == [(1002.0, Disconnect(1))]
