"""Every way out of a feed leaves nothing behind and corrupts nothing; `Backend.run` looks for leftovers."""

from __future__ import annotations

import pytest

from helpers.backends import Backend
from helpers.servers import WebSocketServer, listen, send_all, send_and_stay
from holdfast import Backoff

QUICK = Backoff(initial=0.001, maximum=0.01)


def test_break_out_of_the_loop(backend: Backend):
    with WebSocketServer(send_and_stay("a", "b")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                async for message in feed:
                    assert message == "a"
                    break
                assert await anext(aiter(feed)) == "b"

        backend.run(test)
    assert server.closed_with == [1000]


def test_an_exception_in_the_body_comes_out_as_it_is(backend: Backend):
    with WebSocketServer(send_and_stay("a")) as server:

        async def test() -> None:
            mine = ValueError("mine")
            with pytest.raises(ValueError, match="mine") as caught:
                async with backend.open_feed(server.url) as feed:
                    async for _ in feed:
                        raise mine
            assert caught.value is mine

        backend.run(test)
    assert server.closed_with == [1001]


def test_ctrl_c_comes_out_as_it_is(backend: Backend):
    with WebSocketServer(send_and_stay("a")) as server:

        async def test() -> None:
            with pytest.raises(KeyboardInterrupt):
                async with backend.open_feed(server.url) as feed:
                    async for _ in feed:
                        raise KeyboardInterrupt

        backend.run(test)


def test_a_timeout_around_the_loop(backend: Backend):
    """`move_on_after` around a reconnecting loop corrupted the scopes of another client."""
    with WebSocketServer(send_all("a"), listen) as server:

        async def test() -> None:
            got = []
            async with backend.move_on_after(0.05), backend.open_feed(server.url, backoff=QUICK) as feed:
                async for message in feed:
                    got.append(message)
            assert got == ["a"]
            # Scopes and nurseries around are whole: cancelling again works.
            async with backend.move_on_after(0.001):
                await backend.sleep(60)

        backend.run(test)


def test_a_timeout_inside_the_body_loses_nothing(backend: Backend):
    async def on_request(connection) -> None:
        async for message in connection:
            await connection.send(message)

    with WebSocketServer(on_request) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                stream = aiter(feed)
                for number in range(20):
                    async with backend.move_on_after(0.001):
                        await anext(stream)
                        raise AssertionError("nothing was sent yet")
                    await feed.send(str(number))
                    assert await anext(stream) == str(number)

        backend.run(test)


def test_a_timeout_while_reconnecting(backend: Backend):
    with WebSocketServer(send_all()) as server:

        async def test() -> None:
            async with backend.move_on_after(0.05):
                async with backend.open_feed(server.url, backoff=Backoff(0.001, 1, 0.001)) as feed:
                    async for _ in feed:
                        raise AssertionError("the server sends nothing")
            assert server.accepted > 1

        backend.run(test)


def test_nested_feeds_leave_in_any_order(backend: Backend):
    with WebSocketServer(send_and_stay("a")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as outer, backend.open_feed(server.url) as inner:
                assert await anext(aiter(outer)) == "a"
                assert await anext(aiter(inner)) == "a"
                await outer.close()
                assert inner.is_open

        backend.run(test)


def test_an_iterator_dropped_in_the_middle_owns_nothing(backend: Backend):
    with WebSocketServer(send_and_stay("a", "b", "c")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                for expected in "abc":
                    async for message in feed:
                        assert message == expected
                        break

        backend.run(test)
