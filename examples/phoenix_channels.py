"""Phoenix channels, version 2: topics are streams, and are joined again on every new connection.

    python examples/phoenix_channels.py 'ws://127.0.0.1:4000/socket/websocket?vsn=2.0.0' room:lobby

A message is [join_ref, ref, topic, event, payload]: https://hexdocs.pm/phoenix/writing_a_channels_client.html
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from holdfast import MessageWindow, Service, ServiceLimits
from holdfast.dialects.json_dialect import Data, Found, JsonDialect
from holdfast.dialects.words import Acknowledged, Heartbeat, Refused
from holdfast_asyncio import open_feed

NOTHING: dict[str, str] = {}


def join(topics: Sequence[str], number: int) -> object:
    return [str(number), str(number), topics[0], "phx_join", NOTHING]


def leave(topics: Sequence[str], number: int) -> object:
    return [None, str(number), topics[0], "phx_leave", NOTHING]


def heartbeat(number: int) -> object:
    return [None, str(number), "phoenix", "heartbeat", NOTHING]


def read(message: Any) -> Found:
    _, ref, topic, event, payload = message
    if event == "phx_reply" and topic != "phoenix":
        if payload["status"] == "ok":
            return Acknowledged(int(ref))
        return Refused(json.dumps(payload["response"]), int(ref))
    if event == "phx_error":  # the channel broke down: it is joined anew
        return Acknowledged(streams=(topic,), dropped=True)
    if event in ("phx_reply", "phx_close"):
        return Heartbeat()
    return Data(topic, {"event": event, **payload})


PHOENIX = JsonDialect(
    name="phoenix",
    subscribe=join,
    unsubscribe=leave,
    ping=heartbeat,
    read=read,
    # Of these only the heartbeat is demanded: a server hangs up after 60 s without one.
    limits=ServiceLimits(max_streams_per_request=1, ping_every=30.0, message_window=MessageWindow(20, 1.0)),
)


async def main(url: str, *topics: str) -> None:
    async with open_feed(Service(PHOENIX, url, topics)) as feed:
        async for update in feed:
            print(update.stream, update.json(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *sys.argv[2:]))
