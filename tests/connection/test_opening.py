"""From the dial to the open connection, and its deadline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import chunked, server_frame
from helpers.lattice import times
from helpers.peer import Manners
from helpers.upgrade import answer_to, request_head, switching
from helpers.world import TICK, World
from holdfast import Cause, Connected, ConnectFailed, Failure, Gap, Timeouts
from holdfast.commands import Connect, Disconnect, Write
from holdfast.wire import TEXT


@given(times(0, 6), times(0, 6), times(TICK, 6))
def test_a_dial_is_given_exactly_its_time(dial: float, accept: float, limit: float) -> None:
    world = World({"timeouts": Timeouts(connect=limit)}, Manners(dial_delay=dial, accept_delay=accept)).start()
    world.run(limit)
    if dial + accept <= limit:
        (connected,) = world.events(Connected)
        assert connected.took == dial + accept
        assert world.events(ConnectFailed) == []
    else:
        (failed,) = world.events(ConnectFailed)
        assert failed.failure.cause is Cause.DIAL_TIMEOUT
        assert failed.at == 1000 + limit
        assert Disconnect(1) in [command for _, command in world.commands]


@pytest.mark.parametrize("manners", [Manners(never_dials=True), Manners(never_answers=True)])
def test_a_dial_that_hangs_is_abandoned_and_tried_again(manners: Manners) -> None:
    world = World({"timeouts": Timeouts(connect=3)}, [manners, Manners()]).start()
    world.run_until(lambda: world.fleet.is_open, within=5)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled", "Connecting", "Connected"]
    assert "3 s" in str(world.events(ConnectFailed)[0].failure)


def test_who_hangs_is_told_when_it_is_a_proxy() -> None:
    world = World({"timeouts": Timeouts(connect=3)}, Manners(never_dials=True)).start()
    world.give(lambda fleet, now: fleet.awaiting_proxy(1, "p.test:8080", now))
    world.run(3)
    (failed,) = world.events(ConnectFailed)
    assert failed.failure.cause is Cause.PROXY
    assert str(failed.failure).startswith("no way through the proxy: p.test:8080: did not connect us in time")


def test_a_proxy_that_connected_the_dial_is_not_to_blame() -> None:
    world = World({"timeouts": Timeouts(connect=3)}, Manners(never_dials=True)).start()
    world.give(lambda fleet, now: fleet.awaiting_proxy(1, "p.test:8080", now))
    world.give(lambda fleet, now: fleet.awaiting_proxy(1, "", now))
    world.run(3)
    assert world.events(ConnectFailed)[0].failure.cause is Cause.DIAL_TIMEOUT


def test_the_request_is_the_first_thing_written() -> None:
    world = World({"user_agent": "tester/1"}, source="wss://user:pass@h:8443/x?y=z").open()
    (first, dial), (second, write) = world.commands[:2]
    assert (first, second) == (1000.0, 1000.0)
    assert isinstance(dial, Connect)
    assert dial.endpoint.port == 8443
    assert isinstance(write, Write)
    line, headers = request_head(write.data)
    assert line == "GET /x?y=z HTTP/1.1"
    assert dict(headers)["User-Agent"] == "tester/1"


def test_no_two_dials_use_the_same_key() -> None:
    world = World(manners=Manners(on_open=lambda peer: peer.hang_up())).start()
    world.run(20)
    keys = [
        dict(request_head(command.data)[1])["Sec-WebSocket-Key"]
        for _, command in world.commands
        if isinstance(command, Write) and command.data.startswith(b"GET")
    ]
    assert len(keys) > 3
    assert len(set(keys)) == len(keys)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_messages_that_come_with_the_answer_stand_behind_connected(sizes: list[int]) -> None:
    """However the answer and the first messages are cut."""

    class Cut(World):
        def arrive(self, conn: int, data: bytes) -> None:
            for chunk in chunked(data, sizes):
                super().arrive(conn, chunk)

    world = Cut(manners=Manners(on_open=lambda peer: peer.send("first", b"second"))).open().run(0)
    assert world.kinds == ["Connecting", "Connected", "'first'", "b'second'"]


def test_answer_message_and_close_in_one_chunk() -> None:
    world = World({"on_open": ["never sent"]}, [Manners(never_answers=True), Manners()]).start()
    world.run(0)
    request = next(command.data for _, command in world.commands if isinstance(command, Write))
    close = b"\x88\x00"
    world.peer.send_raw(switching({"Sec-WebSocket-Accept": answer_to(request)}) + server_frame(TEXT, b"m") + close)
    world.run(0)
    assert world.kinds == ["Connecting", "Connected", "'m'", "Disconnected", "RetryScheduled"]
    world.run(1)
    assert world.kinds[5:] == ["Connecting", "Connected", "Gap"]
    assert world.events(Gap)[0].since == 1000


@pytest.mark.parametrize("failure", [None, Failure(Cause.RESET, "by peer")])
def test_a_stream_that_ends_during_the_handshake_is_a_failed_dial(failure: Failure | None) -> None:
    world = World(manners=Manners(never_answers=True)).start().run(0)
    world.peer.hang_up(failure)
    world.run(0)
    (failed,) = world.events(ConnectFailed)
    assert failed.failure.cause is (Cause.HANDSHAKE if failure is None else Cause.RESET)


def test_a_stream_that_ends_while_dialling_is_a_failed_dial() -> None:
    world = World(manners=Manners(never_dials=True)).start()
    world.peer.hang_up()
    world.run(0)
    assert world.events(ConnectFailed)[0].failure.cause is Cause.EOF


@pytest.mark.parametrize("cause", [Cause.DNS, Cause.REFUSED, Cause.TLS, Cause.RESET, Cause.DIAL_TIMEOUT])
def test_a_failed_dial_is_reported_as_it_is(cause: Cause) -> None:
    failure = Failure(cause, "so it was")
    world = World(manners=[Manners(dial_failure=failure, dial_delay=0.5), Manners()]).start().run(0.5)
    (failed,) = world.events(ConnectFailed)
    assert failed.failure is failure
    assert failed.at == 1000.5
    world.run_until(lambda: world.fleet.is_open, within=1)
    assert world.events(Gap) == []
