"""picows as it is: callbacks, no queue and no reconnection, so both are ours."""

from __future__ import annotations

import asyncio
from typing import Any

from bench.peers.consumers import Consumer
from bench.peers.messages import SUBSCRIBE
from bench.peers.wanted import Wanted
from picows import WSAutoPingStrategy, WSListener, WSMsgType, ws_connect

PAUSE = 1.0  # seconds


# What was received; an error stands where a connection ended.
Queue = asyncio.Queue[str | Exception]


class Listener(WSListener):  # type: ignore[misc]  # picows is not where types are checked
    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._queue.put_nowait(frame.get_payload_as_utf8_text())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()


async def run(url: str, wanted: Wanted, consumer: Consumer) -> None:
    queue: Queue = asyncio.Queue(wanted.queue or 0)
    async with asyncio.TaskGroup() as group:
        connecting = group.create_task(_keep_connected(url, wanted, consumer, queue))
        while True:
            received = await queue.get()
            if isinstance(received, Exception):
                consumer.lost(received)
            elif await consumer.take(received):
                break
        connecting.cancel()


async def _keep_connected(url: str, wanted: Wanted, consumer: Consumer, queue: Queue) -> None:
    while True:
        try:
            transport, _ = await ws_connect(lambda: Listener(queue), url, **_options(wanted))
            try:
                transport.send(WSMsgType.TEXT, SUBSCRIBE.encode())

                async def close(transport: Any = transport) -> None:
                    transport.send_close()
                    transport.disconnect()
                    await transport.wait_disconnected()

                consumer.close = close
                await transport.wait_disconnected()
            finally:
                transport.disconnect(False)
            await queue.put(ConnectionError("disconnected"))
        except Exception as error:  # of a dial, or of a callback: then the connection is closed
            await queue.put(error)
        await asyncio.sleep(PAUSE if wanted.retry_pause is None else wanted.retry_pause)


def _options(wanted: Wanted) -> dict[str, Any]:
    if wanted.ping is None:
        return {}
    interval, timeout = wanted.ping
    return {
        "enable_auto_ping": True,
        "auto_ping_strategy": WSAutoPingStrategy.PING_PERIODICALLY,
        "auto_ping_idle_timeout": interval,
        "auto_ping_reply_timeout": timeout,
    }
