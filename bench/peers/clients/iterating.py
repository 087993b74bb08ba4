"""`async for connection in connect(...)`: websockets on asyncio and trio, and picows' module of that interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.peers.consumers import Consumer
from bench.peers.messages import SUBSCRIBE
from bench.peers.wanted import Wanted


async def _iterate(connect: Any, closed: type[Exception], url: str, options: Any, consumer: Consumer) -> None:
    async for connection in connect(url, **options):
        consumer.close = getattr(connection, "aclose", None) or connection.close  # as trio and asyncio name it
        try:
            await connection.send(SUBSCRIBE)
            async for message in connection:
                if await consumer.take(message):
                    return
        except closed as error:
            consumer.lost(error)
            continue
        consumer.lost("the connection's iteration ended")


def _options(wanted: Wanted) -> dict[str, Any]:
    options: dict[str, Any] = {"proxy": None, "compression": None}
    if wanted.ping is not None:
        options["ping_interval"], options["ping_timeout"] = wanted.ping
    if wanted.close_timeout is not None:
        options["close_timeout"] = wanted.close_timeout
    if wanted.queue is not None:
        options["max_queue"] = wanted.queue
    return options


def _websockets_options(wanted: Wanted) -> dict[str, Any]:
    options = _options(wanted)
    if (pause := wanted.retry_pause) is not None:

        def always() -> Iterator[float]:
            while True:
                yield pause

        options["reconnect_delays"] = always
    return options


async def run_websockets(url: str, wanted: Wanted, consumer: Consumer) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    await _iterate(connect, ConnectionClosed, url, _websockets_options(wanted), consumer)


async def run_websockets_trio(url: str, wanted: Wanted, consumer: Consumer) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.trio.client import connect

    await _iterate(connect, ConnectionClosed, url, _websockets_options(wanted), consumer)


async def run_picows_websockets(url: str, wanted: Wanted, consumer: Consumer) -> None:
    from picows.websockets import ConnectionClosed, connect

    await _iterate(connect, ConnectionClosed, url, _options(wanted), consumer)
