"""What a feed does on real sockets; every test runs under asyncio and under trio."""

from __future__ import annotations

import asyncio
import inspect
import socket

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

import holdfast_asyncio
import holdfast_trio
from helpers.backends import Backend
from helpers.servers import (
    WebSocketServer,
    echo,
    listen,
    send_all,
    send_and_stay,
    silent_listener,
    then_reset,
    unused_port,
)
from holdfast import (
    Backoff,
    Cause,
    Closed,
    ConfigError,
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    FeedClosed,
    Gap,
    GaveUp,
    Limits,
    LocalProtocolError,
    Paused,
    RestartNeeded,
    Resumed,
    RetryScheduled,
    Sharding,
)
from holdfast.dialects import binance


async def _first(items, kind: type, count: int):
    """The first so many items of a kind."""
    while count:
        item = await anext(items)
        if isinstance(item, kind):
            count -= 1
            yield item


QUICK = Backoff(initial=0.001, maximum=0.01)


def test_both_transports_offer_the_same():
    assert holdfast_asyncio.__all__ == holdfast_trio.__all__
    ours, theirs = holdfast_asyncio.open_feed, holdfast_trio.open_feed
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert ours.__doc__ == theirs.__doc__


def test_messages_flow_across_connections(backend: Backend):
    with WebSocketServer(send_all("a", b"b"), send_all("c"), send_and_stay("d")) as server:

        async def test() -> None:
            got = []
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                async for message in feed:
                    got.append(message)
                    if message == "d":
                        break
                stats = feed.stats()
            assert got == ["a", b"b", "c", "d"]
            assert (stats.connections, stats.messages, stats.gaps, stats.losses) == (3, 4, 2, {"closed": 2})

        backend.run(test)


def test_events_stand_in_order_among_the_messages(backend: Backend):
    with WebSocketServer(then_reset("a"), send_and_stay("b")) as server:

        async def test() -> None:
            seen: list[object] = []
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                async for item in feed.items():
                    seen.append(type(item) if isinstance(item, Event) else item)
                    if item == "a":
                        await feed.send("now")
                    if isinstance(item, Disconnected):
                        assert item.failure.cause in (Cause.RESET, Cause.EOF)
                    if item == "b":
                        break
            kinds = [kind for kind in seen if kind in (Connected, Disconnected, RetryScheduled, Gap, "a", "b")]
            assert kinds == [Connected, "a", Disconnected, RetryScheduled, Connected, Gap, "b"]

        backend.run(test)


def test_batches_hold_every_message(backend: Backend):
    numbers = [str(number) for number in range(5000)]
    with WebSocketServer(send_and_stay(*numbers)) as server:

        async def test() -> None:
            got: list[str | bytes] = []
            async with backend.open_feed(server.url) as feed:
                async for batch in feed.batches():
                    assert batch
                    got += batch
                    if got[-1] == "4999":
                        break
            assert got == numbers

        backend.run(test)


def test_a_long_message_arrives_whole_both_ways(backend: Backend):
    long = "0123456789abcdef" * 200_000
    with WebSocketServer(echo, max_size=None) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                await feed.send(long)
                assert await anext(aiter(feed)) == long

        backend.run(test)


def test_on_open_is_repeated_on_every_connection(backend: Backend):
    heard: list[str | bytes] = []

    async def hear_two(connection) -> None:
        heard.extend([await connection.recv(), await connection.recv()])
        await connection.send("heard")

    with WebSocketServer(hear_two) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, on_open=["one", b"two"], backoff=QUICK) as feed:
                stream = aiter(feed)
                for _ in range(3):
                    assert await anext(stream) == "heard"

        backend.run(test)
    assert heard == ["one", b"two"] * 3


def test_send_waits_for_a_connection(backend: Backend):
    with WebSocketServer(echo) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                assert not feed.is_open
                await feed.send("hello")
                assert feed.is_open
                assert await anext(aiter(feed)) == "hello"

        backend.run(test)


def test_send_of_what_is_no_message_changes_nothing(backend: Backend):
    with WebSocketServer(echo) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                await feed.send("first")
                with pytest.raises(LocalProtocolError, match="cannot send dict"):
                    await feed.send({"not": "a message"})
                with pytest.raises(LocalProtocolError, match="UTF-8"):
                    await feed.send("\ud800")
                await feed.send("second")
                stream = aiter(feed)
                assert [await anext(stream), await anext(stream)] == ["first", "second"]

        backend.run(test)


def test_close_ends_the_iteration_and_send(backend: Backend):
    with WebSocketServer(send_and_stay("a", "b")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                items = feed.items()
                while await anext(items) != "b":
                    pass
                await feed.close(3000, "enough")
                rest = [item async for item in items]
                assert [type(item) for item in rest] == [Closed]
                assert [message async for message in feed] == []
                with pytest.raises(FeedClosed):
                    await feed.send("too late")
                await feed.close()

        backend.run(test)
    assert server.closed_with == [3000]


def test_what_was_received_before_close_can_still_be_taken(backend: Backend):
    with WebSocketServer(send_and_stay(*"abc")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                await backend.until(lambda: feed.stats().messages == 3)
                await feed.close()
                assert [message async for message in feed] == ["a", "b", "c"]

        backend.run(test)


def test_a_refusal_for_good_is_raised_to_the_consumer(backend: Backend):
    def refuse(connection, request) -> Response:
        return Response(401, "Unauthorized", Headers(), b"who are you?")

    with WebSocketServer(listen, process_request=refuse) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                with pytest.raises(GaveUp, match="HTTP 401 Unauthorized: who are you") as caught:
                    await anext(aiter(feed))
                assert caught.value.failure.status == 401
                with pytest.raises(GaveUp):
                    await feed.send("anything")
                with pytest.raises(GaveUp):
                    await anext(feed.items())

        backend.run(test)


def test_refused_dials_are_repeated_until_the_server_is_there(backend: Backend):
    with WebSocketServer(send_and_stay("here")) as server:
        server.call(server.stop())

        async def test() -> None:
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                async for item in feed.items():
                    if isinstance(item, ConnectFailed):
                        assert item.failure.cause is Cause.REFUSED
                        break
                server.call(server.start())
                assert await anext(aiter(feed)) == "here"
            server.call(server.stop())

        backend.run(test)


def test_bad_settings_are_named_before_anything_is_dialled(backend: Backend):
    with pytest.raises(ConfigError, match="ws:// or wss://"):
        backend.open_feed("http://127.0.0.1/")
    with pytest.raises(ConfigError, match="unknown option pinginterval: choose from backoff"):
        backend.open_feed("ws://127.0.0.1/", pinginterval=3)


def test_streams_that_find_no_room_are_told_before_anything_is_dialled(backend: Backend):
    service = binance.spot("btcusdt@trade", "ethusdt@trade", "bnbusdt@trade")
    with pytest.raises(ConfigError, match="no room for 1 streams"):
        backend.open_feed(service, sharding=Sharding(max_streams_per_connection=1, max_connections=2))


def test_what_open_feed_gives_is_opened_once(backend: Backend):
    async def test() -> None:
        opening = backend.open_feed("ws://127.0.0.1:9/")
        async with opening:
            with pytest.raises(LocalProtocolError, match="opened already"):
                await opening.__aenter__()

    backend.run(test)


def test_ipv6(backend: Backend):
    with WebSocketServer(send_and_stay("six"), host="::1") as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                assert await anext(aiter(feed)) == "six"

        backend.run(test)


def test_a_name_with_two_addresses_of_which_one_answers(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    def resolve(host, port, *args, **kwargs):
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET, *kind, ("127.0.0.1", port)), (socket.AF_INET6, *kind, ("::1", port, 0, 0))]

    with WebSocketServer(send_and_stay("six"), host="::1") as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)

        async def test() -> None:
            async with backend.open_feed(f"ws://two.test:{server.port}/") as feed:
                assert await anext(aiter(feed)) == "six"

        backend.run(test)


def test_a_name_that_does_not_resolve_is_retried(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    def resolve(host, port, *args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def test() -> None:
        async with backend.open_feed("ws://nowhere.test/", backoff=QUICK) as feed:
            failures = [item.failure.cause async for item in _first(feed.items(), ConnectFailed, 2)]
            assert failures == [Cause.DNS, Cause.DNS]

    backend.run(test)


def test_headers_and_subprotocol_reach_the_server(backend: Backend):
    async def report(connection) -> None:
        await connection.send(f"{connection.request.headers['X-Key']} {connection.subprotocol}")
        await connection.wait_closed()

    with WebSocketServer(report, subprotocols=["v2", "v1"]) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, headers={"X-Key": "k"}, subprotocols=["v1", "v2"]) as feed:
                assert await anext(aiter(feed)) == "k v2"

        backend.run(test)


def test_a_slow_consumer_pauses_reading_and_loses_nothing(backend: Backend):
    """The server sends far more than the queue may hold, before the first message is taken."""
    messages = [f"{number:01000d}" for number in range(3000)]
    with WebSocketServer(send_and_stay(*messages)) as server:

        async def test() -> None:
            limits = Limits(max_queue_size=200_000)
            async with backend.open_feed(server.url, limits=limits) as feed:
                await backend.until(lambda: feed.stats().queued_bytes >= 200_000)
                got, kinds = [], set()
                async for item in feed.items():
                    kinds.add(type(item))
                    # One read may lie over the bound: what was read cannot be unread.
                    assert feed.stats().queued_bytes <= 200_000 + 2 * 65536
                    if isinstance(item, str):
                        got.append(item)
                        if len(got) == len(messages):
                            break
                assert got == messages
                assert {Paused, Resumed} <= kinds
                assert Disconnected not in kinds

        backend.run(test)


def test_a_peer_that_never_reads_holds_up_neither_clock_nor_close(backend: Backend):
    released = asyncio.Event()

    async def release() -> None:
        released.set()

    async def never_read(connection) -> None:
        connection.transport.pause_reading()
        await connection.send("deaf")
        await released.wait()
        connection.transport.abort()

    with WebSocketServer(never_read, send_and_stay("again")) as server:

        async def test() -> None:
            limits = Limits(max_write_size=1_000_000)
            async with backend.open_feed(server.url, limits=limits, backoff=QUICK) as feed:
                items = feed.items()

                async def flood() -> None:
                    block = b"x" * 500_000
                    while feed.is_open:
                        feed._fleet.send(block, feed._driver.now())
                        feed._driver.settle()
                        await backend.sleep(0)

                while await anext(items) != "deaf":
                    pass
                await flood()
                failures = []
                async for item in items:
                    if isinstance(item, Disconnected):
                        failures.append(item.failure.cause)
                    if item == "again":
                        break
                assert failures == [Cause.WRITE_STUCK]
            server.call(release())

        backend.run(test)


def test_close_while_dialling_or_waiting_leaves_nothing(backend: Backend):
    with silent_listener() as port:

        async def test() -> None:
            async with backend.open_feed(f"ws://127.0.0.1:{port}/") as feed:
                await feed.close()
                assert feed.stats().state == "closed"
            async with backend.open_feed(f"ws://127.0.0.1:{unused_port()}/", backoff=Backoff(initial=30)) as feed:
                async for item in feed.items():
                    if isinstance(item, RetryScheduled):
                        break
                await feed.close()
                assert feed.stats().state == "closed"

        backend.run(test)


def test_one_task_at_a_time_may_take(backend: Backend):
    with WebSocketServer(listen) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:

                async def first() -> None:
                    assert [message async for message in feed] == []

                async def second() -> None:
                    await backend.until(lambda: feed.is_open and feed._taking)
                    with pytest.raises(LocalProtocolError, match="another task"):
                        await anext(aiter(feed))
                    await feed.close()

                await backend.both(first, second)

        backend.run(test)


def test_after_so_many_dials_in_vain_iteration_says_that_a_restart_is_needed(backend: Backend):
    port = unused_port()

    async def test() -> None:
        async with backend.open_feed(f"ws://127.0.0.1:{port}/", backoff=QUICK, restart_after=3) as feed:
            with pytest.raises(RestartNeeded, match="3 dials without a healthy connection") as caught:
                await anext(aiter(feed))
            assert caught.value.failure.cause is Cause.REFUSED
            with pytest.raises(RestartNeeded):
                await feed.listen(print)
            with pytest.raises(GaveUp):
                await feed.send("anything")
            assert feed.stats().dials == 3

    backend.run(test)


@pytest.mark.parametrize(
    ("call", "error", "telling"),
    [
        (lambda feed: feed.unsubscribe(["a"]), ConfigError, "give names one by one"),
        (lambda feed: feed.subscribed(["a"]), ConfigError, "give names one by one"),
        (lambda feed: feed.subscribed(timeout="x"), ConfigError, "timeout = 'x': must be"),
        (lambda feed: feed.subscribed(timeout=float("nan")), ConfigError, "timeout = nan: must be"),
        (lambda feed: feed.close("x"), LocalProtocolError, "close code 'x' is no whole number"),
        (lambda feed: feed.close(3000.5), LocalProtocolError, "is no whole number"),
        (lambda feed: feed.close(1000, 5), LocalProtocolError, "close reason 5 is no text"),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(backend: Backend, call, error, telling):
    async def test() -> None:
        async with backend.open_feed(binance.spot("btcusdt@trade", endpoint="ws://127.0.0.1:9/stream")) as feed:
            with pytest.raises(error, match=telling):
                if (given := call(feed)) is not None:
                    await given
            assert set(feed.streams) == {"btcusdt@trade"}
            assert feed.stats().state != "closed"

    backend.run(test)
