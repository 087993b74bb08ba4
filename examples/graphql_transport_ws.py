"""GraphQL subscriptions: a query is the name of its stream, and asked again on every new connection.

    python examples/graphql_transport_ws.py ws://127.0.0.1:4000/graphql 'subscription { prices { symbol price } }'

The protocol graphql-transport-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import trio

from holdfast import NewConnection, Service, ServiceLimits
from holdfast.dialects.json_dialect import Data, Found, JsonDialect
from holdfast.dialects.words import Heartbeat, Refused, Reply
from holdfast_trio import open_feed


def subscribe(queries: Sequence[str], _number: int) -> object:
    return {"id": queries[0], "type": "subscribe", "payload": {"query": queries[0]}}


def complete(queries: Sequence[str], _number: int) -> object:
    return {"id": queries[0], "type": "complete"}


def ping(_number: int) -> object:
    return {"type": "ping"}


def read(message: Any) -> Found:
    match message["type"]:
        case "next":
            return Data(message["id"], message["payload"])
        case "error":
            return Refused(json.dumps(message["payload"]), streams=(message["id"],))
        case "complete":
            return Refused("the server has no more of it", streams=(message["id"],))
        case "ping":
            return Reply('{"type":"pong"}')
        case "pong":
            return Heartbeat()
        case _:
            return None


GRAPHQL = JsonDialect(
    name="graphql",
    subscribe=subscribe,
    unsubscribe=complete,
    ping=ping,
    read=read,
    limits=ServiceLimits(max_streams_per_request=1, ping_every=30.0, acknowledges=False),
)


async def greet(connection: NewConnection) -> None:
    await connection.send('{"type":"connection_init"}')
    while json.loads(await connection.receive())["type"] != "connection_ack":
        await connection.send('{"type":"pong"}')  # what else may come before is a ping


async def main(url: str, *queries: str) -> None:
    service = Service(GRAPHQL, url, queries)
    async with open_feed(service, subprotocols=["graphql-transport-ws"], on_connect=greet) as feed:
        async for update in feed:
            print(update.json(), flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], *sys.argv[2:])
