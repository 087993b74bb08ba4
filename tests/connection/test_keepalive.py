"""Keepalive: a live peer is never condemned, a dead one is found in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import server_frame
from helpers.lattice import Step, carry_out, keepalives, steps, times
from helpers.peer import Manners
from helpers.world import TICK, World
from holdfast import Cause, Disconnected, Keepalive, Limits, MessageWindow, PongReceived
from holdfast.commands import Write
from holdfast.connection.liveness import Liveness
from holdfast.wire import BINARY, PING, PONG

OURS = ("run", "run", "stall", "tick", "back", "data", "slow", "eager")


def ping_times(world: World) -> list[float]:
    return [at for at, command in world.commands if isinstance(command, Write) and command.data[0] == 0x80 | PING]


@given(keepalives(), times(TICK, 3), st.data(), steps(*OURS))
def test_a_peer_that_answers_in_time_is_never_condemned(
    keepalive: Keepalive, stall_after: float, data: st.DataObject, script: list[Step]
) -> None:
    round_trip = data.draw(times(0, keepalive.timeout - TICK), "round trip")
    latency = data.draw(st.sampled_from([0.0, round_trip / 2]), "one way")
    manners = Manners(pong_delay=round_trip - 2 * latency)
    limits = Limits(max_queue_size=data.draw(st.sampled_from([1, 300, 10_000])))
    world = World({"keepalive": keepalive, "stall_after": stall_after, "limits": limits}, manners, latency=latency)
    world.open()
    carry_out(world, script)
    world.consume()
    world.run(2 * (keepalive.timeout + (keepalive.interval or 0)))
    assert world.losses == []
    assert len(world.dials) == 1
    assert world.fleet.is_open


@given(keepalives(), st.data(), steps(*OURS))
def test_a_peer_that_sends_any_bytes_is_never_condemned(
    keepalive: Keepalive, data: st.DataObject, script: list[Step]
) -> None:
    """It answers no ping; its bytes are those of one message that takes for ever, or pongs to nobody."""
    every = data.draw(times(TICK, keepalive.timeout), "seconds between bytes") - TICK / 2
    endless = data.draw(st.booleans(), "endless message")
    world = World({"keepalive": keepalive}, Manners(answers_pings=False)).open()
    if endless:
        world.peer.send_raw(server_frame(BINARY, announced=1 << 20))

    def drip() -> None:
        world.peer.send_raw(b"x" if endless else server_frame(PONG, b"unsolicited"))
        world.later(every, drip)

    drip()
    carry_out(world, script)
    world.consume()
    world.run(3 * keepalive.timeout + 5)
    assert world.losses == []


@given(keepalives(), times(0, 12), times(TICK, 3), steps("run", "stall", "tick", "back"))
def test_a_dead_peer_is_found_in_time(
    keepalive: Keepalive, lives: float, stall_after: float, script: list[Step]
) -> None:
    assert keepalive.interval is not None
    world = World({"keepalive": keepalive, "stall_after": stall_after}).open()
    world.run(lives)
    died = world.peer
    died.die()
    stalled = carry_out(world, script)
    world.run_until(lambda: world.losses, within=2 * (keepalive.interval + keepalive.timeout) + stalled)
    (lost,) = world.events(Disconnected)
    assert lost.failure.cause is Cause.PONG_TIMEOUT
    assert lost.at - died.last_byte_at <= keepalive.interval + keepalive.timeout + stalled
    assert lost.at - max(at for at in ping_times(world) if at < lost.at) >= keepalive.timeout


@pytest.mark.parametrize(("interval", "timeout"), [(2, 1), (1, 4), (20, 20), (3, 3)])
def test_the_exact_times_of_pings_and_verdict(interval: float, timeout: float) -> None:
    world = World({"keepalive": Keepalive(interval, timeout)}).open()
    opened = world.now
    world.run(interval * 2.5)
    assert ping_times(world) == [opened + interval, opened + 2 * interval]
    world.peer.die()
    world.run_until(lambda: world.losses, within=interval + timeout)
    assert world.events(Disconnected)[0].at == opened + 3 * interval + timeout
    assert f"{timeout:.3g} s" in str(world.losses[0])


def test_without_an_interval_no_ping_is_sent() -> None:
    world = World({"keepalive": Keepalive(None, 1)}, Manners(answers_pings=False)).open()
    world.run(1000)
    assert ping_times(world) == []
    assert world.losses == []


def test_pings_do_not_pile_up_while_one_is_unanswered() -> None:
    world = World({"keepalive": Keepalive(1, 10)}, Manners(answers_pings=False)).open()
    world.run(10)
    assert len(ping_times(world)) == 1


def test_no_ping_is_sent_before_the_handshake_is_done() -> None:
    world = World({"keepalive": Keepalive(1, 1)}, Manners(dial_delay=3, accept_delay=4)).start()
    world.run(7)
    assert world.fleet.is_open
    assert ping_times(world) == []


# Round-trip times


@given(keepalives(), st.data())
def test_the_round_trip_time_is_reported(keepalive: Keepalive, data: st.DataObject) -> None:
    delay = data.draw(times(0, keepalive.timeout - TICK))
    world = World({"keepalive": keepalive}, Manners(pong_delay=delay)).open()
    world.run(3 * ((keepalive.interval or 0) + keepalive.timeout))
    rtts = [event.rtt for event in world.events(PongReceived)]
    assert rtts
    assert set(rtts) == {delay}
    assert world.fleet.stats(world.now).rtt == delay


def test_a_pong_to_nobody_is_no_round_trip() -> None:
    world = World({"keepalive": Keepalive(2, 2)}).open()
    world.run(2.5)
    world.peer.send_raw(
        server_frame(PONG, b"") + server_frame(PONG, world.peer.pings[0]) + server_frame(PONG, b"\0\0\0\2")
    )
    world.run(0.5)
    assert len(world.events(PongReceived)) == 1


# Their pings


def test_pings_are_answered_with_their_payload() -> None:
    world = World().open()
    for payload in (b"", b"a", b"\x00" * 125):
        world.peer.ping(payload)
        world.run(0)
    assert world.peer.pongs == [b"", b"a", b"\x00" * 125]
    assert world.messages == []


def test_each_of_several_pings_read_at_once_is_answered_in_order() -> None:
    world = World().open()
    world.peer.ping(b"1", b"2", b"3")
    world.run(0)
    assert world.peer.pongs == [b"1", b"2", b"3"]


def test_where_pongs_count_only_the_latest_of_several_pings_is_answered() -> None:
    world = World({"message_window": MessageWindow(5)}).open()
    world.peer.ping(b"1", b"2", b"3")
    world.run(0)
    assert world.peer.pongs == [b"3"]


def test_pings_behind_the_handshake_in_the_same_chunk_are_answered() -> None:
    world = World(manners=Manners(on_open=lambda peer: peer.ping(b"early"))).open()
    world.run(0)
    assert world.peer.pongs == [b"early"]


def test_paused_reading_neither_condemns_nor_blinds() -> None:
    """While reading is paused silence is our doing; afterwards a peer that died meanwhile is found."""
    world = World({"keepalive": Keepalive(2, 2), "limits": Limits(max_queue_size=150)}).open()
    world.consume(False)
    world.peer.send("fills the queue" * 10)
    world.run(1)
    died = world.peer
    died.die()
    world.run(100)
    assert world.fleet.is_open
    world.consume()
    resumed = world.now
    world.run_until(lambda: world.losses, within=10)
    assert world.events(Disconnected)[0].at <= resumed + 4


def test_a_pong_that_comes_after_the_next_ping_still_tells_the_round_trip() -> None:
    """Data came meanwhile, so that the next ping went out; a peer may answer each of them, or the latest only."""
    liveness = Liveness(20.0, 0.0)
    payloads = []
    for at in (1.0, 2.0, 3.0):
        payloads.append(liveness.ping(at, judged=True))
        liveness.awaiting = False
    assert liveness.round_trip(payloads[1], 4.0) == 2.0
    assert liveness.round_trip(payloads[0], 4.0) is None, "the later one has answered for it"
    assert liveness.round_trip(payloads[2], 4.5) == 1.5
    assert liveness.round_trip(payloads[2], 5.0) is None
