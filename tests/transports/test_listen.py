"""Callbacks in place of a loop; every test runs under asyncio and under trio."""

from __future__ import annotations

import logging

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from helpers.backends import Backend
from helpers.servers import WebSocketServer, listen, send_all, send_and_stay
from holdfast import Backoff, Closed, ConfigError, Connected, Event, Gap, GaveUp, LocalProtocolError

QUICK = Backoff(initial=0.001, maximum=0.01)


def test_messages_and_events_come_in_order_until_the_feed_ends(backend: Backend):
    with WebSocketServer(send_all("a"), send_and_stay("b", b"c")) as server:

        async def test() -> None:
            seen: list[object] = []

            def note(event: Event) -> None:
                if isinstance(event, Connected | Gap | Closed):
                    seen.append(type(event))

            async with backend.open_feed(server.url, backoff=QUICK) as feed:

                async def close() -> None:
                    await backend.until(lambda: b"c" in seen)
                    await feed.close()

                await backend.both(lambda: feed.listen(seen.append, note), close)
                await feed.listen(seen.append)
            assert seen == [Connected, "a", Connected, Gap, "b", b"c", Closed]

        backend.run(test)


def test_a_callback_that_raises_is_logged_and_counted_and_stops_nothing(
    backend: Backend, caplog: pytest.LogCaptureFixture
):
    secret = '{"url": "wss://me:hunter2@example.com/?token=hunter3", "pad": "' + 5000 * "x" + '"}\n'
    with WebSocketServer(send_and_stay("good", secret, "bad\nluck", "fine")) as server:

        async def test() -> None:
            got: list[str | bytes] = []

            def take(message: str | bytes) -> None:
                if message != "good" and message != "fine":
                    raise ValueError("cannot read wss://me:hunter2@example.com")
                got.append(message)

            def on_event(event: Event) -> None:
                raise RuntimeError("events hurt")

            async with backend.open_feed(server.url, name="prices") as feed:
                await backend.both(
                    lambda: feed.listen(take, on_event),
                    lambda: _close_when(backend, feed, lambda: "fine" in got),
                )
                stats = feed.stats()
            assert got == ["good", "fine"]
            assert stats.callback_errors >= 2 + 3, "two messages, and Connecting, Connected, Closed"
            assert stats.messages == 4

        with caplog.at_level(logging.ERROR, "holdfast"):
            backend.run(test)
    lines = [record.getMessage() for record in caplog.records if record.name == "holdfast"]
    [first, second] = [line for line in lines if "on_message" in line]
    assert first.startswith("prices: on_message raised ValueError: cannot read wss://***@example.com (test_listen.py, ")
    assert '\'{"url": "wss://***@example.com/?token=***' in first
    assert "hunter" not in "".join(lines)
    assert max(map(len, lines)) < 700
    assert all(line.isprintable() for line in lines)
    assert "'bad\\nluck'" in second
    assert [line for line in lines if "on_event raised RuntimeError: events hurt" in line and "Connected(" in line]


def test_a_flood_of_errors_is_counted_whole_and_logged_in_part(backend: Backend, caplog: pytest.LogCaptureFixture):
    with WebSocketServer(send_and_stay(*map(str, range(500)))) as server:

        async def test() -> None:
            def take(message: str | bytes) -> None:
                raise ValueError(message)

            async with backend.open_feed(server.url) as feed:
                await backend.both(
                    lambda: feed.listen(take),
                    lambda: _close_when(backend, feed, lambda: feed.stats().callback_errors == 500),
                )

        with caplog.at_level(logging.ERROR, "holdfast"):
            backend.run(test)
    lines = [record.getMessage() for record in caplog.records if "on_message raised" in record.getMessage()]
    assert 10 <= len(lines) < 100


def test_what_no_retry_can_help_is_raised(backend: Backend):
    def refuse(connection, request) -> Response:
        return Response(401, "Unauthorized", Headers(), b"who are you?")

    with WebSocketServer(listen, process_request=refuse) as server:

        async def test() -> None:
            events: list[Event] = []
            async with backend.open_feed(server.url) as feed:
                with pytest.raises(GaveUp, match="HTTP 401"):
                    await feed.listen(print, events.append)
            assert isinstance(events[-1], Closed)

        backend.run(test)


def test_left_it_has_lost_nothing_that_was_not_given(backend: Backend):
    with WebSocketServer(send_and_stay(*map(str, range(2000)))) as server:

        class Enough(BaseException):
            pass

        async def test() -> None:
            got: list[str | bytes] = []

            def take(message: str | bytes) -> None:
                got.append(message)
                if message in ("699", "1999"):
                    raise Enough

            async with backend.open_feed(server.url) as feed:
                with pytest.raises(Enough):
                    await feed.listen(take)
                assert await anext(aiter(feed)) == "700"
                with pytest.raises(Enough):
                    await feed.listen(take)
            assert got == [str(number) for number in range(2000) if number != 700]

        backend.run(test)


def test_what_is_no_plain_function_is_refused_at_once(backend: Backend):
    async def async_function(message: object) -> None: ...

    class AsyncCallable:
        async def __call__(self, message: object) -> None: ...

    with WebSocketServer(listen) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                with pytest.raises(ConfigError, match=r"on_message is async_function, which is async: .*async for"):
                    await feed.listen(async_function)
                with pytest.raises(ConfigError, match=r"on_event .* which is async"):
                    await feed.listen(print, AsyncCallable())
                with pytest.raises(ConfigError, match="on_message is int: must be a function"):
                    await feed.listen(3)

        backend.run(test)


def test_one_task_takes(backend: Backend):
    with WebSocketServer(listen) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:

                async def second() -> None:
                    await backend.until(lambda: feed._driver._hungry is not None)
                    with pytest.raises(LocalProtocolError, match="another task"):
                        await feed.listen(print)
                    await feed.close()

                await backend.both(lambda: feed.listen(print), second)

        backend.run(test)


async def _close_when(backend: Backend, feed, ready) -> None:
    await backend.until(ready)
    await feed.close()
