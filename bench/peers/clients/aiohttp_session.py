"""aiohttp: a session has no reconnection, so the loop is ours."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWSTimeout, WSMsgType
from bench.peers.consumers import Consumer
from bench.peers.messages import SUBSCRIBE
from bench.peers.wanted import Wanted

PAUSE = 1.0  # seconds


async def run(url: str, wanted: Wanted, consumer: Consumer) -> None:
    async with ClientSession() as session:
        while True:
            try:
                async with session.ws_connect(url, **_options(wanted)) as connection:
                    consumer.close = connection.close
                    await connection.send_str(SUBSCRIBE)
                    async for message in connection:
                        if message.type is WSMsgType.ERROR:
                            break
                        if await consumer.take(message.data):
                            return
                consumer.lost(connection.exception() or f"closed, code {connection.close_code}")
            except ClientError as error:
                consumer.lost(error)
            await asyncio.sleep(PAUSE if wanted.retry_pause is None else wanted.retry_pause)


def _options(wanted: Wanted) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if wanted.ping is not None:
        # The answer to a ping is waited for half as long as the heartbeat: the wait is what is asked for.
        options["heartbeat"] = 2 * wanted.ping[1]
    if wanted.close_timeout is not None:
        options["timeout"] = ClientWSTimeout(ws_close=wanted.close_timeout)
    return options
