"""The examples of services that Holdfast does not know, each against a small server of its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection

from examples.test_examples import lines, running
from helpers.servers import WebSocketServer, send_all, send_and_stay

# Phoenix channels


class Phoenix:
    """Rooms that can be joined, but for the one that is locked. The first connection ends after a message."""

    def __init__(self) -> None:
        self.heard: list[list[object]] = []

    async def first(self, connection: ServerConnection) -> None:
        join_ref, ref, topic, event, _ = await self._hear(connection)
        assert (event, topic) == ("phx_join", "room:lobby")
        await self._reply(connection, join_ref, ref, topic, "ok", {})
        await self._say(connection, None, None, topic, "new_msg", {"body": "before"})

    async def serve(self, connection: ServerConnection) -> None:
        """The room breaks down once, after its first message."""
        joins = 0
        while True:
            join_ref, ref, topic, event, _ = await self._hear(connection)
            if topic == "room:locked":
                await self._reply(connection, join_ref, ref, topic, "error", {"reason": "locked"})
            elif event == "phx_join":
                joins += 1
                await self._reply(connection, join_ref, ref, topic, "ok", {})
                await self._say(connection, None, None, topic, "new_msg", {"body": f"after {joins}"})
                if joins == 1:
                    await self._say(connection, join_ref, join_ref, topic, "phx_error", {})

    async def _hear(self, connection: ServerConnection) -> list[object]:
        heard = json.loads(await connection.recv())
        self.heard.append(heard)
        return heard

    async def _reply(self, connection: ServerConnection, join_ref, ref, topic, status: str, response: object) -> None:
        await self._say(connection, join_ref, ref, topic, "phx_reply", {"status": status, "response": response})

    async def _say(self, connection: ServerConnection, *message: object) -> None:
        await connection.send(json.dumps(message))


def test_phoenix_topics_are_joined_again() -> None:
    phoenix = Phoenix()
    with (
        WebSocketServer(phoenix.first, phoenix.serve) as server,
        running("phoenix_channels.py", server.url + "?vsn=2.0.0", "room:lobby", "room:locked") as process,
    ):
        assert lines(process, 3) == [
            "room:lobby {'event': 'new_msg', 'body': 'before'}",
            "room:lobby {'event': 'new_msg', 'body': 'after 1'}",
            "room:lobby {'event': 'new_msg', 'body': 'after 2'}",
        ]
    joined = [message[2] for message in phoenix.heard if message[3] == "phx_join"]
    assert joined.count("room:lobby") == 3
    assert 1 <= joined.count("room:locked") <= 2, "what was refused is not asked for again on the same connection"


# GraphQL

PRICES, NEWS = "subscription { prices { price } }", "subscription { news }"


class GraphQL:
    """Wants to be greeted; its first connection ends after a message. There are no news."""

    def __init__(self) -> None:
        self.subscribed: list[str] = []
        self.ponged = 0
        self._connections = 0

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.subprotocol == "graphql-transport-ws"
        self._connections += 1
        assert await self._hear(connection) == {"type": "connection_init"}
        await self._say(connection, {"type": "ping"})
        assert await self._hear(connection) == {"type": "pong"}
        await self._say(connection, {"type": "connection_ack"})
        while True:
            heard = await self._hear(connection)
            if heard["type"] == "pong":
                self.ponged += 1
                await self._next(connection, "after the ping")
                continue
            assert heard["type"] == "subscribe"
            self.subscribed.append(heard["payload"]["query"])
            if heard["payload"]["query"] == NEWS:
                await self._say(connection, {"id": heard["id"], "type": "error", "payload": [{"message": "no news"}]})
                await self._say(connection, {"type": "ping"})
                continue
            await self._next(connection, f"on connection {self._connections}")
            if self._connections == 1:
                return

    async def _next(self, connection: ServerConnection, price: str) -> None:
        await self._say(connection, {"id": PRICES, "type": "next", "payload": {"data": {"prices": {"price": price}}}})

    async def _hear(self, connection: ServerConnection):
        return json.loads(await connection.recv())

    async def _say(self, connection: ServerConnection, message: object) -> None:
        await connection.send(json.dumps(message))


def test_graphql_subscriptions_outlive_their_connection() -> None:
    graphql = GraphQL()
    with (
        WebSocketServer(graphql.serve, subprotocols=["graphql-transport-ws"]) as server,
        running("graphql_transport_ws.py", server.url, PRICES, NEWS) as process,
    ):
        assert [line.split("'")[-2] for line in lines(process, 3)] == [
            "on connection 1",
            "on connection 2",
            "after the ping",
        ]
    assert graphql.subscribed.count(PRICES) == 2
    assert graphql.ponged == 1


# Listen keys


@contextmanager
def keys(*given: str) -> Iterator[str]:
    """Gives these keys, one after another; the URL where to ask."""
    left = iter(given)

    class Giver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"listenKey": next(left)}).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Giver) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/listenKey"
        finally:
            server.shutdown()
            thread.join()


def test_a_key_that_expired_is_replaced_by_a_fresh_one() -> None:
    asked: list[str] = []

    def check(connection: ServerConnection, request) -> object:
        (key,) = parse_qs(urlsplit(request.path).query)["listenKey"]
        asked.append(key)
        return connection.respond(HTTPStatus.UNAUTHORIZED, "expired\n") if key == "stale" else None

    with (
        keys("stale", "fresh", "other") as at,
        WebSocketServer(send_all("one"), send_and_stay("two"), process_request=check) as server,
        running("listen_key.py", at, server.url) as process,
    ):
        assert lines(process, 2) == ["one", "two"]
    assert asked == ["stale", "fresh", "other"]
