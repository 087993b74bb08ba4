"""The five steps of the contract in `holdfast.fleet.fleet`, one after the other."""

from __future__ import annotations

import pytest

from helpers.frames import server_frame
from helpers.raw_server import End, repeats, sends, sends_and_hangs_up, serving
from helpers.reading_items import anext_of
from helpers.simulated import START, SimulatedBackend
from helpers.spy import INPUTS, Spy
from holdfast import (
    Backoff,
    Connected,
    ConnectFailed,
    Connecting,
    Disconnected,
    Keepalive,
    Limits,
    LocalProtocolError,
    Resumed,
    Staleness,
    Stall,
)
from holdfast.wire import TEXT

QUICK = Backoff(initial=0.5, maximum=1.0)
LATE = 0.01  # seconds by which a timer of a loop in good health may be late


async def hang_up_on_ping(end: End) -> None:
    await end.open("before")
    await end.until(lambda: end.pinged_at)
    end.hang_up()


# Steps 1 and 2: inputs, commands


def test_inputs_come_one_at_a_time_and_commands_are_carried_out_in_order(backend: SimulatedBackend, spy: Spy):
    """The spy looks at each; the scenario has to bring about all of them."""

    async def test() -> None:
        backend.names["feed.test"] = OSError("not yet")
        async with serving(backend, hang_up_on_ping, repeats) as server:
            url = f"ws://feed.test:{server.port}/"
            limits = Limits(max_queue_size=20_000)
            async with backend.open_feed(url, backoff=QUICK, limits=limits) as feed:
                items = feed.items()
                await anext_of(items, ConnectFailed)
                backend.names["feed.test"] = [("127.0.0.1", server.port)]
                await anext_of(items, Disconnected)
                for _ in range(20):
                    await feed.send("x" * 5000)
                await backend.sleep(1)
                await anext_of(items, Resumed)
                with pytest.raises(LocalProtocolError):
                    await feed.send({"no": "message"})

    backend.run(test)
    spy.check_done()
    assert {entry[0] for entry in spy.inputs()} == set(INPUTS)
    assert {entry[0] for entry in spy.commands()} >= {"dial", "write", "pause", "resume"}


def test_messages_arrive_in_the_order_in_which_they_were_sent(backend: SimulatedBackend):
    messages: list[str | bytes] = [str(number) * (1 + number % 700) for number in range(500)]

    async def test() -> None:
        async with serving(backend, repeats) as server:
            async with backend.open_feed(server.url) as feed:

                async def send() -> None:
                    for message in messages:
                        await feed.send(message)

                async def receive() -> None:
                    for expected in messages:
                        assert await anext(aiter(feed)) == expected

                await backend.both(send, receive)
            assert server.ends[0].messages == messages

    backend.run(test)


def test_what_is_sent_at_the_opening_arrives_in_order(backend: SimulatedBackend):
    """All of it is written before the writer of the connection has its turn."""
    messages = [str(number) for number in range(100)]

    async def test() -> None:
        async with serving(backend, repeats) as server:
            async with backend.open_feed(server.url, on_open=messages) as feed:
                stream = aiter(feed)
                assert [await anext(stream) for _ in messages] == messages
            assert server.ends[0].messages == messages

    backend.run(test)


def test_what_is_asked_of_a_connection_that_is_gone_is_dropped_in_silence(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends_and_hangs_up(), repeats) as server:
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                await backend.until(lambda: feed.stats().connections == 2)
                driver = feed._driver
                for gone in (1, 999):
                    driver.write(gone, b"to nobody")
                    driver.pause(gone)
                    driver.resume(gone)
                    driver.disconnect(gone)
                await feed.send("to the second")
                assert await anext(aiter(feed)) == "to the second"
            assert len(server.ends) == 2

    backend.run(test)


def test_late_bytes_of_an_old_connection_are_inert(backend: SimulatedBackend):
    async def says_more_when_told_to_close(end: End) -> None:
        end.answers_close = False
        await end.open("early")
        await end.until(lambda: end.close_code is not None)
        for _ in range(8):
            end.send_now(server_frame(TEXT, b"late"))
            await backend.sleep(1)

    async def test() -> None:
        async with serving(backend, says_more_when_told_to_close, sends("new")) as server:
            staleness = Staleness(after=5, reconnect=True)
            async with backend.open_feed(server.url, staleness=staleness, backoff=QUICK) as feed:
                stream = aiter(feed)
                assert [await anext(stream), await anext(stream)] == ["early", "new"]
                await backend.sleep(START + 9.9 - backend.now())
                assert feed.stats().messages == 2
                assert not server.ends[0].gone
                await backend.sleep(0.2)
                assert server.ends[0].gone, "Timeouts.close ends it"

    backend.run(test)


def test_a_connection_number_is_never_used_again(backend: SimulatedBackend, spy: Spy):
    async def test() -> None:
        async with serving(backend, sends_and_hangs_up("x")) as server:
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                dialled = [await anext_of(feed.items(), Connecting) for _ in range(5)]
                assert [event.conn for event in dialled] == [1, 2, 3, 4, 5]

    backend.run(test)
    assert [conn for _, conn, _ in spy.inputs("connected")][:4] == [1, 2, 3, 4]


def test_the_end_of_the_stream_is_no_error_and_a_broken_stream_is(backend: SimulatedBackend, spy: Spy):
    async def breaks(end: End) -> None:
        await end.open("x")
        await backend.sleep(1)
        end.reset()

    async def test() -> None:
        async with serving(backend, sends_and_hangs_up("x"), breaks) as server:
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                items = feed.items()
                for expected in ("eof", "reset"):
                    assert (await anext_of(items, Disconnected)).failure.cause.value == expected

    backend.run(test)
    first_report = {conn: failure for _, conn, failure, _ in reversed(spy.inputs("disconnected"))}
    assert first_report[1] is None
    assert first_report[2] is not None


# Step 3: the consumer


def test_whoever_waits_is_woken_in_the_same_moment(backend: SimulatedBackend):
    async def opens_late(end: End) -> None:
        await backend.sleep(3)
        await end.open()
        await end.until(lambda: end.messages)
        await backend.sleep(4)
        await end.send("now")

    async def test() -> None:
        async with serving(backend, opens_late) as server, backend.open_feed(server.url) as feed:

            async def take() -> None:
                assert await anext(aiter(feed)) == "now"
                assert backend.now() == START + 7
                with pytest.raises(StopAsyncIteration):
                    await anext(aiter(feed))
                assert backend.now() == START + 9

            async def send() -> None:
                await feed.send("hello")
                assert backend.now() == START + 3
                await backend.sleep(6)
                await feed.close()

            await backend.both(take, send)

    backend.run(test)


def test_whoever_stopped_waiting_is_forgotten(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, repeats) as server, backend.open_feed(server.url) as feed:
            stream = aiter(feed)
            for _ in range(20):
                async with backend.move_on_after(0.1):
                    await anext(stream)
                    raise AssertionError("nothing was sent yet")
            await feed.send("hello")
            assert await anext(stream) == "hello"
            assert feed._driver._waiters == []

    backend.run(test)


# Step 4: the timer


def test_the_one_timer_is_armed_only_when_the_deadline_moved(backend: SimulatedBackend, spy: Spy):
    async def chatters(end: End) -> None:
        await end.open()
        while True:
            await end.send("tick")
            await backend.sleep(0.125)

    async def test() -> None:
        async with serving(backend, chatters) as server:
            keepalive = Keepalive(interval=100, timeout=20)
            async with backend.open_feed(server.url, keepalive=keepalive, stall_after=100.0) as feed:
                await backend.sleep(990)
                assert feed.stats().messages > 7900

    backend.run(test)
    fired = spy.times("fired")
    assert 5 < len(fired) < 100
    assert len(spy.times("armed")) <= len(fired) + 10, "messages move no deadline"


def test_the_timer_fires_at_the_deadline_that_was_armed_last(backend: SimulatedBackend, spy: Spy):
    """Each deadline in turn lies before or behind the last one; the one it replaced must not fire."""

    async def test() -> None:
        async with serving(backend, hang_up_on_ping) as server:
            keepalive = Keepalive(interval=7, timeout=2)
            async with backend.open_feed(server.url, keepalive=keepalive, backoff=QUICK, stall_after=30.0) as feed:
                await backend.sleep(300)
                assert feed.stats().connections > 30

    backend.run(test)
    armed = None
    for entry in spy.log:
        if entry[0] == "armed":
            armed = entry[1]
        elif entry[0] == "fired":
            assert entry[1] == armed
            armed = None


# Step 5: reading before judging


def test_a_pong_that_lies_unread_when_the_timer_fires_is_read_first(backend: SimulatedBackend):
    """Later than a stall is tolerated unseen, the machine forgives by itself: here the driver alone can."""
    keepalive = Keepalive(interval=10, timeout=2)

    async def answers_at_the_last_moment(end: End) -> None:
        def answer() -> None:
            end.pong()
            backend.block(2 * LATE)

        end.answers_pings = False
        await end.open()
        for number in range(1, 17):
            await end.until(lambda due=number: len(end.pinged_at) == due)
            await backend.sleep(keepalive.timeout - LATE)
            await backend.among_readers(answer)

    async def test() -> None:
        async with serving(backend, answers_at_the_last_moment) as server:
            async with backend.open_feed(server.url, keepalive=keepalive) as feed:
                await backend.sleep(16 * keepalive.interval + 5)
                stats = feed.stats()
                assert (stats.connections, stats.stalls, stats.rtt) == (1, 0, pytest.approx(keepalive.timeout + LATE))

    backend.run(test)


def test_an_answer_that_lies_unread_when_the_dial_times_out_is_read_first(backend: SimulatedBackend):
    async def opens_at_the_last_moment(end: End) -> None:
        await end.request()
        await backend.sleep(10 - LATE)
        end.accept()
        backend.block(2 * LATE)

    async def test() -> None:
        async with serving(backend, opens_at_the_last_moment) as server:
            for _ in range(8):
                async with backend.open_feed(server.url) as feed:
                    connected = await anext_of(feed.items(), Connected)
                    assert connected.took == pytest.approx(10 + LATE)
                    assert feed.stats().dials == 1

    backend.run(test)


@pytest.mark.parametrize("blocked", [2 + LATE, 2.5, 30.0, 3600.0])
def test_a_pong_that_lies_unread_while_the_loop_is_blocked_is_read_first(backend: SimulatedBackend, blocked: float):
    """Other clients kill healthy connections when their own process was away."""
    stalls = stalls_of_a_blocked_loop(backend, blocked)
    assert blocked - 1 <= stalls[0].duration <= blocked


@pytest.mark.parametrize("blocked", [2.5, 30.0])
def test_being_blocked_once_is_one_stall(backend: SimulatedBackend, blocked: float):
    assert len(stalls_of_a_blocked_loop(backend, blocked)) == 1


def stalls_of_a_blocked_loop(backend: SimulatedBackend, blocked: float) -> list[Stall]:
    """What is reported of it. The connection must live on."""
    stalls: list[Stall] = []

    async def answers_and_blocks(end: End) -> None:
        end.answers_pings = False
        await end.open()
        await end.until(lambda: end.pinged_at)
        end.pong()
        backend.block(blocked)
        end.answers_pings = True

    async def test() -> None:
        async with serving(backend, answers_and_blocks) as server:
            async with backend.open_feed(server.url, keepalive=Keepalive(interval=10, timeout=2)) as feed:
                await backend.sleep(60)
                await feed.close()
                items = [item async for item in feed.items()]
            assert [item.conn for item in items if isinstance(item, Connected | Disconnected)] == [1]
            stalls.extend(item for item in items if isinstance(item, Stall))

    backend.run(test, within=2 * 3600)
    return stalls
