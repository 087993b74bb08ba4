"""Compression on real sockets, with the server of another library."""

from __future__ import annotations

import json
from random import Random

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory

from helpers.backends import Backend
from helpers.servers import WebSocketServer, echo, send_and_stay
from holdfast import Backoff, Cause, Connected, Deflate, Disconnected, Limits

RANDOM = Random(1)
MESSAGES: list[str | bytes] = [
    json.dumps({"stream": "btcusdt@trade", "sequence": number, "price": RANDOM.random(), "quantity": RANDOM.random()})
    for number in range(200)
]
MESSAGES += [b"", "", "\U0001f600" * 1000, RANDOM.randbytes(200_000), "long " * 100_000, "the end"]
PLAIN = sum(len(message.encode() if isinstance(message, str) else message) for message in MESSAGES[:200])
EAGER = Deflate(threshold=1)


@pytest.mark.parametrize(
    "compression",
    [
        EAGER,
        Deflate(server_no_context_takeover=True),
        Deflate(client_no_context_takeover=True, threshold=1),
        Deflate(server_max_window_bits=9, client_max_window_bits=9, threshold=1),
    ],
)
def test_messages_arrive_and_are_sent(backend: Backend, compression: Deflate):
    with WebSocketServer(echo, compression="deflate") as server:

        async def test() -> None:
            async with backend.open_feed(server.url, compression=compression) as feed:
                for message in MESSAGES:
                    await feed.send(message)
                for message in MESSAGES:
                    assert await anext(aiter(feed)) == message

        backend.run(test)


def test_context_is_kept_from_message_to_message(backend: Backend):
    """With it what messages have in common is sent once. The server's library speaks of what both agreed on."""
    agreed: list[PerMessageDeflate] = []

    async def tell(connection) -> None:
        agreed.extend(connection.protocol.extensions)
        await send_and_stay(*MESSAGES[:200])(connection)

    async def received(url: str, compression: Deflate | None) -> int:
        async with backend.open_feed(url, compression=compression) as feed:
            assert [await anext(aiter(feed)) for _ in range(200)] == MESSAGES[:200]
            return feed.stats().received_bytes

    with WebSocketServer(tell, compression="deflate") as server:

        async def test() -> None:
            with_context = await received(server.url, EAGER)
            without = await received(server.url, Deflate(server_no_context_takeover=True))
            assert with_context < 0.8 * without < PLAIN < await received(server.url, None)

        backend.run(test)
    first, second = agreed  # the third offered nothing
    assert (first.local_no_context_takeover, second.local_no_context_takeover) == (False, True)


def test_a_window_that_the_server_asks_for(backend: Backend):
    """It can read no more than 512 bytes back."""
    noise = RANDOM.randbytes(700)
    extensions = [ServerPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9)]
    with WebSocketServer(echo, extensions=extensions) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, compression=EAGER) as feed:
                for _ in range(5):
                    await feed.send(noise * 3)
                    assert await anext(aiter(feed)) == noise * 3

        backend.run(test)


def test_a_bomb_costs_the_connection_and_nothing_else(backend: Backend):
    with WebSocketServer(send_and_stay("x" * 3_000_000), send_and_stay("good"), compression="deflate") as server:

        async def test() -> None:
            options = {"limits": Limits(max_message_size=1_000_000), "backoff": Backoff(0.001, 1, 0.001)}
            async with backend.open_feed(server.url, compression=Deflate(), **options) as feed:
                events = []
                async for item in feed.items():
                    if item == "good":
                        break
                    events.append(item)
                (lost,) = (event for event in events if isinstance(event, Disconnected))
                assert (lost.failure.cause, lost.failure.code) == (Cause.PROTOCOL, 1009)
                assert len([event for event in events if isinstance(event, Connected)]) == 2

        backend.run(test)
        assert server.closed_with[0] == 1009
