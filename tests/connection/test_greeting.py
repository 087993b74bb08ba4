"""Between the handshake and the first message: `on_connect` talks to the server, and may fail in many ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import chunked, server_frame
from helpers.lattice import times
from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import (
    Cause,
    Closed,
    Connected,
    ConnectFailed,
    Disconnected,
    Failure,
    FeedClosed,
    FeedOptions,
    Gap,
    GiveUp,
    Keepalive,
    Limits,
    LocalProtocolError,
    NewConnection,
    NotOpen,
    Overflow,
    Retry,
    Staleness,
    Stall,
    Timeouts,
)
from holdfast.commands import Disconnect, EndJob, Pause, Resume, RunOnConnect, Write
from holdfast.testing.world import sleep
from holdfast.wire import BINARY, PING, TEXT

OnConnect = Callable[[NewConnection], Awaitable[object]]


def says(*messages: str | bytes) -> Manners:
    return Manners(on_open=lambda peer: peer.send(*messages))


async def log_in(connection: NewConnection) -> None:
    """Ask, and await the answer: one message, whatever it is."""
    await connection.send("login")
    await connection.receive()


def lasts(seconds: float) -> OnConnect:
    async def on_connect(_: NewConnection) -> None:
        await sleep(seconds)

    return on_connect


def fails(error: Exception, after: float = 0.0) -> OnConnect:
    async def on_connect(_: NewConnection) -> None:
        await sleep(after)
        raise error

    return on_connect


def world_with(on_connect: OnConnect, manners: Manners | list[Manners] = Manners(), **options: object) -> World:  # noqa: B008  # frozen
    return World({"on_connect": on_connect, **options}, manners)  # type: ignore[typeddict-item]


def failures(world: World) -> list[Failure]:
    return [event.failure for event in world.events(ConnectFailed)]


# Before the messages flow


def test_it_talks_before_the_feed_is_open() -> None:
    seen: list[object] = []

    async def on_connect(connection: NewConnection) -> None:
        seen.append((connection.conn, connection.subprotocol, dict(connection.headers)["x-server"]))
        await connection.send("login")
        seen.append(await connection.receive())
        seen.append(await connection.receive())
        assert not world.fleet.is_open
        await connection.send(b"thanks")

    manners = Manners(headers={"X-Server": "7"}, on_open=lambda peer: peer.send("welcome"))
    world = world_with(on_connect, manners, on_open=["subscribe"]).start().run(1)
    assert seen == [(1, None, "7"), "welcome"]
    world.peer.send(b"logged in", "data")
    world.run(1)
    assert seen[2:] == [b"logged in"]
    assert world.kinds == ["Connecting", "Connected", "'data'"]
    assert world.peer.messages == ["login", b"thanks", "subscribe"]
    assert world.events(Connected)[0].took == 1


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 4))
def test_what_it_leaves_goes_to_the_consumer_in_order(sizes: list[int], takes: int) -> None:
    """However the answer and the first messages are cut."""

    class Cut(World):
        def arrive(self, conn: int, data: bytes) -> None:
            for chunk in chunked(data, sizes):
                super().arrive(conn, chunk)

    taken: list[str | bytes] = []

    async def on_connect(connection: NewConnection) -> None:
        taken.extend([await connection.receive() for _ in range(takes)])

    world = Cut({"on_connect": on_connect}, says("one", b"two", "three", "four")).start().run(0)
    assert [*taken, *world.messages] == ["one", b"two", "three", "four"]
    assert len(taken) == takes
    assert world.kinds[:2] == ["Connecting", "Connected"]
    assert world.fleet.stats(world.now).messages == 4 - takes


def test_a_message_that_is_half_here_when_it_returns_is_not_torn() -> None:
    world = world_with(log_in, says("welcome")).start().run(0)
    whole = server_frame(TEXT, b"x" * 300)
    first = world_with(lasts(1)).start().run(0.5)
    first.peer.send_raw(whole[:100])
    first.run(1)
    first.peer.send_raw(whole[100:])
    first.run(1)
    assert first.messages == ["x" * 300]
    assert world.kinds == ["Connecting", "Connected"]


def test_every_connection_gets_its_call() -> None:
    calls: list[int] = []

    async def on_connect(connection: NewConnection) -> None:
        calls.append(connection.conn)

    world = world_with(on_connect, [Manners(on_open=lambda peer: peer.hang_up()), Manners()]).open().run(5)
    assert calls == [1, 2]
    assert world.fleet.is_open


def test_what_is_no_message_is_refused_and_nothing_is_sent() -> None:
    async def on_connect(connection: NewConnection) -> None:
        for nonsense in (None, 5, "\ud800", {"op": "login"}):
            with pytest.raises(LocalProtocolError):
                await connection.send(nonsense)  # type: ignore[arg-type]

    assert world_with(on_connect).open().peer.messages == []


def test_others_cannot_send_until_it_has_returned() -> None:
    world = world_with(lasts(1)).start().run(0.5)
    with pytest.raises(NotOpen):
        world.send("too early")
    world.run(1)
    world.send("now")
    assert world.run(0).peer.messages == ["now"]


def test_the_connection_it_was_given_is_of_no_use_when_it_has_returned() -> None:
    kept: list[NewConnection] = []

    async def on_connect(connection: NewConnection) -> None:
        kept.append(connection)

    world = world_with(on_connect).open()
    for attempt in (kept[0].send("late"), kept[0].receive()):
        with pytest.raises(NotOpen, match="returned"):
            attempt.send(None)  # type: ignore[attr-defined]
    assert world.fleet.is_open
    assert world.run(0).peer.messages == []


# While it runs


def test_pings_are_answered_meanwhile() -> None:
    world = world_with(lasts(3), keepalive=Keepalive(1, 1)).start().run(1)
    world.peer.ping(b"one", b"two")
    world.run(0.5)
    assert world.peer.pongs == [b"one", b"two"]
    world.peer.ping(b"three")
    world.run(0)
    assert world.peer.pongs == [b"one", b"two", b"three"]
    assert world.peer.pings == [], "the dial has a deadline of its own"
    world.run_until(lambda: world.fleet.is_open, within=2)


@pytest.mark.parametrize("size", [0, 1, 100])
def test_what_waits_for_it_is_bounded(size: int) -> None:
    """Small messages are not free."""
    bound = 1000
    world = world_with(lasts(5), limits=Limits(max_queue_size=bound)).start().run(0)
    sent = 0
    while not world.process.sockets[1].paused and sent < 1000:
        world.peer.send(b"x" * size)
        world.run(0)
        sent += 1
    assert sent == -(-bound // (size + 64))
    world.peer.send("behind the bound")
    world.run_until(lambda: world.fleet.is_open, within=6)
    world.run(1)
    assert len(world.messages) == sent + 1
    assert world.messages[-1] == "behind the bound"


def test_text_is_counted_by_its_bytes() -> None:
    world = world_with(lasts(5), limits=Limits(max_queue_size=1000)).start().run(0)
    world.peer.send("\N{BEETLE}" * 240)
    world.run(0)
    assert world.process.sockets[1].paused


def test_reading_goes_on_when_it_has_taken_half() -> None:
    taken: list[str | bytes] = []

    async def on_connect(connection: NewConnection) -> None:
        while True:
            await sleep(1)
            taken.append(await connection.receive())

    limits, timeouts = Limits(max_queue_size=1000), Timeouts(connect=20)
    world = world_with(on_connect, says(*["x" * 136] * 5), limits=limits, timeouts=timeouts).start().run(0)
    assert isinstance(world.commands[-1][1], Pause)
    world.peer.send("behind")
    world.run(2.5)
    assert len(taken) == 2
    assert not any(isinstance(command, Resume) for _, command in world.commands)
    world.run(1)
    assert isinstance(world.commands[-1][1], Resume)
    world.run(5)
    assert taken[-1] == "behind"


@pytest.mark.parametrize("policy", ["pause", "drop_oldest", "drop_newest"])
def test_what_it_leaves_meets_the_bound_of_the_queue(policy: str) -> None:
    options: FeedOptions = {
        "on_connect": lasts(1),
        "limits": Limits(max_queue_size=1000),
        "overflow": Overflow(policy),  # type: ignore[arg-type]
    }
    world = World(options, says(*["x" * 136] * 5))
    world.consume(False)
    world.start().run(2)
    assert world.fleet.is_open
    assert world.process.sockets[1].paused == (policy == "pause")
    world.consume()
    assert len(world.messages) == {"pause": 5, "drop_oldest": 4, "drop_newest": 5}[policy]


def test_where_a_full_queue_ends_the_feed_nothing_comes_behind_the_end() -> None:
    async def on_connect(_: NewConnection) -> None:
        pass

    options: FeedOptions = {
        "on_connect": on_connect,
        "limits": Limits(max_queue_size=100),
        "overflow": Overflow("fail"),
    }
    world = World(options, says("m"))
    world.consume(False)
    world.start().run(2)
    closed = world.fleet.take_items()[-1]
    assert isinstance(closed, Closed)
    assert closed.failure is not None
    assert closed.failure.cause is Cause.OVERFLOW


# It fails


def test_if_it_raises_the_dial_has_failed() -> None:
    world = world_with(fails(KeyError("result"), after=0.5), says("answer")).start().run(0.5)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled"]
    (failure,) = failures(world)
    assert failure.cause is Cause.ON_CONNECT
    assert failure.detail.startswith("KeyError: 'result' (test_greeting.py, line ")
    assert failure.detail.endswith(", in on_connect)")
    world.run(0)
    assert world.peer.close is not None
    assert world.peer.close.code == 1000
    assert world.fleet.stats(world.now).connections == 0


def test_it_is_tried_again_for_ever_with_backoff() -> None:
    world = world_with(fails(ValueError("no"))).start().run(40)
    assert [at - 1000 for at, _ in world.dials] == [0, 1, 3, 7, 15, 23, 31, 39]


@pytest.mark.parametrize("error", [GiveUp("bad key"), ExceptionGroup("group", [ValueError("x"), GiveUp("bad key")])])
def test_give_up_ends_the_feed_at_once(error: Exception) -> None:
    world = World({"on_connect": fails(error)}, source=["ws://a/", "ws://b/"]).start().run(100)
    assert world.kinds == ["Connecting", "ConnectFailed", "Closed"]
    assert world.ended.failure == Failure(Cause.ON_CONNECT, "bad key", final=True)
    assert str(world.ended.failure) == "on_connect failed: bad key"
    assert len(world.dials) == 1
    assert world.fleet.is_closed


def test_it_is_given_the_rest_of_the_time_of_the_dial() -> None:
    manners = [Manners(dial_delay=1, accept_delay=1), Manners()]
    world = world_with(lasts(100), manners, timeouts=Timeouts(connect=5)).start().run(4.75)
    assert world.jobs == {1}
    world.run(0.25)
    assert [failure.cause for failure in failures(world)] == [Cause.DIAL_TIMEOUT]
    assert world.jobs == set()
    assert [type(command) for _, command in world.commands[-2:]] == [Disconnect, EndJob]


@given(times(0, 6), times(0.25, 6))
def test_it_has_exactly_its_time(needs: float, limit: float) -> None:
    world = world_with(lasts(needs), timeouts=Timeouts(connect=limit)).start().run(limit)
    assert world.fleet.is_open == (needs <= limit)
    assert len(failures(world)) == (needs > limit)


def test_answers_that_come_too_late_are_inert() -> None:
    world = world_with(lasts(100), [Manners(), Manners(never_dials=True)], timeouts=Timeouts(connect=3)).start().run(5)
    before = world.fleet.stats(world.now)
    for conn in (1, 2, 99):
        for failure in (None, Failure(Cause.ON_CONNECT, "late", final=True)):
            world.give(lambda fleet, now, conn=conn, failure=failure: fleet.on_connect_done(conn, failure, now))
    assert world.fleet.stats(world.now) == before
    assert world.fleet.ended is None


def test_a_second_answer_is_inert() -> None:
    world = world_with(lasts(0)).open()
    world.give(lambda fleet, now: fleet.on_connect_done(1, Failure(Cause.ON_CONNECT, "no", final=True), now))
    assert world.fleet.is_open


# The connection ends while it runs

ENDS: dict[str, tuple[Callable[[Peer], None], Cause]] = {
    "EOF": (lambda peer: peer.hang_up(), Cause.EOF),
    "reset": (lambda peer: peer.hang_up(Failure(Cause.RESET, "by peer")), Cause.RESET),
    "close": (lambda peer: peer.say_close(4001, "bad key"), Cause.CLOSED),
    "violation": (lambda peer: peer.send_raw(b"\x83\x00"), Cause.PROTOCOL),
    "too long": (lambda peer: peer.send_raw(server_frame(BINARY, b"x" * 2000)), Cause.PROTOCOL),
}
LIMITS = Limits(max_message_size=1000)


@pytest.mark.parametrize("way", ENDS)
@pytest.mark.parametrize("on_connect", [log_in, lasts(3)])
def test_an_end_meanwhile_is_a_failure_to_connect(way: str, on_connect: OnConnect) -> None:
    end, cause = ENDS[way]
    manners = [Manners(on_open=lambda peer: peer.world.later(1, lambda: end(peer))), Manners(never_dials=True)]
    world = world_with(on_connect, manners, limits=LIMITS).start().run(1)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled"]
    assert failures(world)[0].cause is cause
    assert world.jobs == set(), "it is ended with its connection"
    assert EndJob(1) in [command for _, command in world.commands]
    world.run(0.5)
    assert world.events(Gap) == []


@pytest.mark.parametrize("way", ENDS)
def test_what_was_said_before_the_end_can_still_be_read(way: str) -> None:
    """A service that refuses a login says why, and hangs up: all that in one chunk."""
    end, cause = ENDS[way]
    heard: list[str | bytes] = []

    async def on_connect(connection: NewConnection) -> None:
        await connection.send("login")
        await sleep(1)
        heard.append(await connection.receive())
        await connection.send("why?")
        heard.append(await connection.receive())
        await connection.receive()

    def part(peer: Peer) -> None:
        peer.send("error: bad key", b"and good bye")
        end(peer)

    manners = [Manners(on_open=part), Manners(never_dials=True)]
    world = world_with(on_connect, manners, limits=LIMITS).start().run(0.5)
    assert failures(world) == []
    world.run(1)
    assert heard == ["error: bad key", b"and good bye"]
    assert [failure.cause for failure in failures(world)] == [cause]
    assert world.jobs == set()
    world.close()
    world.run(6)
    assert world.fleet.is_closed


@pytest.mark.parametrize("way", ENDS)
def test_what_it_makes_of_the_last_words_counts(way: str) -> None:
    async def on_connect(connection: NewConnection) -> None:
        if str(await connection.receive()).startswith("error"):
            raise GiveUp("the exchange does not know this key")

    def part(peer: Peer) -> None:
        peer.send("error: bad key")
        ENDS[way][0](peer)

    world = world_with(on_connect, Manners(on_open=part), limits=LIMITS).start().run(6)
    assert world.ended.failure == Failure(Cause.ON_CONNECT, "the exchange does not know this key", final=True)
    assert world.fleet.is_closed


@pytest.mark.parametrize("way", ENDS)
@pytest.mark.parametrize("takes", [0, 1])
def test_an_end_that_waits_for_it_waits_no_longer_than_the_dial_may_take(way: str, takes: int) -> None:
    """What ended it is told, not that time ran out."""
    end, cause = ENDS[way]

    async def on_connect(connection: NewConnection) -> None:
        for _ in range(takes):
            await connection.receive()
        await sleep(100)

    def part(peer: Peer) -> None:
        peer.send("last words")
        peer.ping(b"and a ping")
        end(peer)

    manners = [Manners(on_open=part), Manners(never_dials=True)]
    options: dict[str, object] = {"limits": LIMITS, "timeouts": Timeouts(connect=3)}
    world = world_with(on_connect, manners, **options).start().run(3.5)
    assert [failure.cause for failure in failures(world)] == [cause]
    assert world.jobs == set()
    assert world.fleet.ended is None


@pytest.mark.parametrize("way", ENDS)
def test_if_it_returns_without_having_read_the_last_words_the_dial_has_failed(way: str) -> None:
    end, cause = ENDS[way]

    def part(peer: Peer) -> None:
        peer.send("last words")
        end(peer)

    manners = [Manners(on_open=part), Manners(never_dials=True)]
    world = world_with(lasts(1), manners, limits=LIMITS, on_open=["never sent"]).start().run(1)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled"]
    assert failures(world)[0].cause is cause
    assert "never sent" not in world.peer.messages


@pytest.mark.parametrize("way", ENDS)
def test_an_end_that_waits_does_not_hold_up_closing(way: str) -> None:
    def part(peer: Peer) -> None:
        peer.send("last words")
        ENDS[way][0](peer)

    world = world_with(lasts(5), Manners(on_open=part), limits=LIMITS, timeouts=Timeouts(close=2)).start().run(1)
    world.close()
    assert world.jobs == set()
    world.run(2)
    assert world.fleet.is_closed
    assert world.kinds == ["Connecting", "Closed"]


def test_a_close_frame_and_then_the_end_of_the_stream_are_one_end() -> None:
    def part(peer: Peer) -> None:
        peer.send("last words")
        peer.say_close(4001, "bad key")
        peer.hang_up()

    world = world_with(lasts(1), [Manners(on_open=part), Manners(never_dials=True)]).start().run(1)
    assert failures(world) == [Failure(Cause.CLOSED, "bad key", code=4001)]


def test_the_close_frame_is_answered_when_the_last_words_were_read() -> None:
    def part(peer: Peer) -> None:
        peer.send("last words")
        peer.say_close(4001)

    async def on_connect(connection: NewConnection) -> None:
        await sleep(1)
        await connection.receive()
        await connection.receive()

    world = world_with(on_connect, [Manners(on_open=part), Manners(never_dials=True)]).start().run(0.5)
    assert world.kinds == ["Connecting"]
    world.run(0.5)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled"]
    assert any(isinstance(command, Write) and command.data[:1] == b"\x88" for _, command in world.commands)


def test_who_catches_not_open_goes_on_until_the_dial_is_over() -> None:
    after: list[str] = []

    async def on_connect(connection: NewConnection) -> None:
        await sleep(1)
        for _ in range(2):
            try:
                await connection.receive()
                await connection.receive()
            except NotOpen:
                after.append("caught")
        after.append("returned")

    def part(peer: Peer) -> None:
        peer.send("last words")
        peer.hang_up()

    world = world_with(on_connect, [Manners(on_open=part), Manners(never_dials=True)]).start().run(1)
    assert after == ["caught", "caught", "returned"]
    assert [failure.cause for failure in failures(world)] == [Cause.EOF]


def test_not_open_in_the_group_of_a_nursery_is_the_end_of_the_connection_too() -> None:
    async def on_connect(connection: NewConnection) -> None:
        try:
            await log_in(connection)
            await connection.receive()
        except NotOpen as error:
            raise ExceptionGroup("unhandled", [error]) from None

    def part(peer: Peer) -> None:
        peer.send("last words")
        peer.say_close(4001)

    world = world_with(on_connect, [Manners(on_open=part), Manners(never_dials=True)]).start().run(0)
    assert failures(world) == [Failure(Cause.CLOSED, code=4001)]


def test_not_open_from_elsewhere_is_a_failure_like_any_other() -> None:
    """It must not pass for success."""
    kept: list[NewConnection] = []

    async def on_connect(connection: NewConnection) -> None:
        kept.append(connection)
        await kept[0].send("on the first connection, whichever this is")

    world = world_with(on_connect, [Manners(on_open=lambda peer: peer.hang_up()), Manners()]).start().run(1)
    assert [failure.cause for failure in failures(world)] == [Cause.ON_CONNECT]
    assert not world.fleet.is_open


@pytest.mark.parametrize("way", ["close", "violation", "too long"])
def test_refusals_are_counted(way: str) -> None:
    manners = Manners(on_open=ENDS[way][0])
    world = world_with(log_in, manners, limits=LIMITS, retry=Retry(max_policy_closes=3)).start().run(100)
    assert len(world.dials) == 3
    assert "max_policy_closes" in world.ended.reason


@pytest.mark.parametrize("way", ENDS)
def test_an_end_in_the_chunk_of_the_answer(way: str) -> None:
    """Before the function was even called."""
    calls: list[int] = []

    async def on_connect(connection: NewConnection) -> None:
        calls.append(connection.conn)

    manners = [Manners(on_open=ENDS[way][0]), Manners(never_dials=True)]
    world = world_with(on_connect, manners, limits=LIMITS).start().run(0)
    assert len(failures(world)) + len(world.events(Disconnected)) == 1
    assert world.jobs == set()


# Gaps


def test_a_gap_is_declared_when_the_feed_is_open_again_and_spans_the_login() -> None:
    manners = [
        Manners(on_open=lambda peer: peer.world.later(2, peer.hang_up)),
        Manners(on_open=lambda peer: peer.hang_up()),
        says("answer", "data"),
    ]

    async def on_connect(connection: NewConnection) -> None:
        await sleep(1)
        if connection.conn == 3:
            assert await connection.receive() == "answer"
            await sleep(1)

    world = world_with(on_connect, manners).start()
    world.run_until(lambda: world.messages, within=20)
    lost, gap = world.events(Disconnected)[0], world.events(Gap)[0]
    assert gap.cause is lost.failure
    assert gap.until == world.events(Connected)[1].at
    assert world.kinds[-3:] == ["Connected", "Gap", "'data'"]
    assert len(world.events(Gap)) == 1


def test_before_the_first_connection_there_is_no_gap() -> None:
    world = world_with(log_in, [Manners(on_open=lambda peer: peer.hang_up()), says("answer")]).start().run(5)
    assert world.fleet.is_open
    assert world.events(Gap) == []


def test_silence_of_data_counts_from_the_opening() -> None:
    options: dict[str, object] = {"staleness": Staleness(after=3, reconnect=True), "timeouts": Timeouts(connect=10)}
    world = world_with(lasts(5), **options).start().run(7.75)
    assert world.fleet.is_open
    world.run(0.25)
    assert [event.failure.cause for event in world.events(Disconnected)] == [Cause.NO_DATA]


@given(takes=times(0.5, 15), dies=times(0, 15))
def test_a_peer_that_died_meanwhile_is_found_in_time_of_its_last_byte(takes: float, dies: float) -> None:
    """Within the interval and the timeout of pings; where that has passed already, within the timeout."""
    keepalive = Keepalive(interval=5, timeout=3)
    world = world_with(lasts(takes), keepalive=keepalive, timeouts=Timeouts(connect=20)).start().run(0)
    peer = world.peers[0]
    world.later(dies, peer.die)
    world.run(40)
    lost = world.events(Disconnected)[0]
    assert lost.failure.cause is Cause.PONG_TIMEOUT
    assert lost.at == max(peer.last_byte_at + 5, 1000 + takes) + 3


# Stalls of our own


@given(times(0, 3), times(0.5, 100))
def test_a_stall_of_ours_costs_nobody_anything(before: float, stall: float) -> None:
    """Whatever the server says meanwhile is read when we run again."""

    async def on_connect(connection: NewConnection) -> None:
        assert await connection.receive() == "welcome"
        await sleep(1)

    def greet(peer: Peer) -> None:
        peer.world.later(3, lambda: peer.send("welcome"))

    world = world_with(on_connect, Manners(on_open=greet), timeouts=Timeouts(connect=6)).start().run(before)
    world.oversleep(stall)
    world.run(6)
    assert world.fleet.is_open
    assert failures(world) == []
    if stall >= 2:
        assert len(world.events(Stall)) == 1


# Closing


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("answers", [True, False])
def test_closing_ends_it_within_its_time(answers: bool, full: bool) -> None:
    """Also where reading is paused: then the answer to our close frame has to be read."""
    manners = Manners(answers_close=answers, ends_stream=answers, on_open=lambda peer: peer.send(*["x" * 500] * full))
    options: dict[str, object] = {"limits": Limits(max_queue_size=100), "timeouts": Timeouts(close=2)}
    world = world_with(lasts(5), manners, **options).start().run(1)
    assert world.process.sockets[1].paused == full
    world.close()
    assert world.jobs == set()
    world.run(0.25 if answers else 2)
    assert world.fleet.is_closed
    assert world.kinds == ["Connecting", "Closed"]
    assert world.peer.close is not None
    with pytest.raises(FeedClosed):
        world.send("too late")


@pytest.mark.parametrize("full", [False, True])
def test_if_it_fails_the_connection_is_closed_properly(full: bool) -> None:
    options: dict[str, object] = {"limits": Limits(max_queue_size=100), "timeouts": Timeouts(close=5)}
    manners = [Manners(on_open=lambda peer: peer.send(*["x" * 500] * full)), Manners(never_dials=True)]
    world = world_with(fails(ValueError("no"), after=1), manners, **options).start().run(1.25)
    assert not any(isinstance(command, Disconnect) for _, command in world.commands)
    world.close()
    assert world.fleet.is_closed, "the first one is gone already"


def test_it_may_close_the_feed_itself() -> None:
    async def on_connect(_: NewConnection) -> None:
        world.close(4000, "enough")
        await sleep(1)
        raise AssertionError("it was ended")

    world = world_with(on_connect)
    world.start().run(10)
    assert world.fleet.is_closed
    assert world.kinds == ["Connecting", "Closed"]
    assert isinstance(world.items[-1], Closed)
    assert world.ended.failure is None


# Order of commands


def test_it_is_asked_for_before_anything_that_the_server_says_is_answered() -> None:
    def greet(peer: Peer) -> None:
        peer.ping(b"now")
        peer.send("welcome")

    world = world_with(log_in, Manners(on_open=greet)).open()
    kinds = [type(command) for _, command in world.commands]
    assert kinds.index(RunOnConnect) < kinds.index(Write, 2)
    assert server_frame(PING, b"now")  # what came; the peer got its pong
    assert world.run(0).peer.pongs == [b"now"]
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(world.commands))
