"""TLS on real sockets: what works, and how connections under TLS end."""

from __future__ import annotations

import socket
import ssl

import pytest
import trustme

from helpers.backends import Backend
from helpers.servers import Handler, WebSocketServer, echo, send_and_stay, silent_listener
from helpers.tls import client_context, server_context
from holdfast import Backoff, Cause, ConfigError, Disconnected

QUICK = Backoff(initial=0.001, maximum=0.01)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name)
def test_messages_both_ways(backend: Backend, authority: trustme.CA, version: ssl.TLSVersion):
    """With a server that speaks one version only."""
    long = "x" * 300_000
    context = server_context(authority, "127.0.0.1")
    context.minimum_version = context.maximum_version = version
    with WebSocketServer(echo, tls=context) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, tls=client_context(authority)) as feed:
                for message in (long, "short", b"bytes"):
                    await feed.send(message)
                    assert await anext(aiter(feed)) == message

        backend.run(test)
    assert server.closed_with == [1000]


def test_closing_in_the_middle_of_a_tls_handshake(backend: Backend):
    """The listener never answers the ClientHello."""
    with silent_listener() as port:

        async def test() -> None:
            async with backend.open_feed(f"wss://127.0.0.1:{port}/") as feed:
                await backend.sleep(0.01)
                await feed.close()

        backend.run(test)


def test_a_tls_context_for_a_plain_url_is_refused(backend: Backend):
    with pytest.raises(ConfigError, match="wss://"):
        backend.open_feed("ws://127.0.0.1/", tls=ssl.create_default_context())


# The end of a connection


async def with_close_notify(connection) -> None:
    """As TLS wants it (RFC 8446 section 6.1), but without a close frame."""
    connection.transport.close()


async def without_close_notify(connection) -> None:
    """The stream ends, and TLS was not told."""
    _socket_of(connection).shutdown(socket.SHUT_WR)


async def cut_off(connection) -> None:
    connection.transport.abort()


def _socket_of(connection) -> socket.socket:
    sock: socket.socket = connection.transport.get_extra_info("socket")._sock
    return sock


def then(end: Handler) -> Handler:
    async def handler(connection) -> None:
        await connection.send("a")
        await connection.recv()
        await end(connection)
        await connection.wait_closed()  # or websockets' own farewell mixes in

    return handler


@pytest.mark.parametrize("end", [with_close_notify, without_close_notify, cut_off], ids=lambda end: end.__name__)
def test_the_end_of_the_stream_is_one_with_and_without_close_notify(
    backend: Backend, authority: trustme.CA, end: Handler
):
    tls = server_context(authority, "127.0.0.1")
    with WebSocketServer(then(end), send_and_stay("b"), tls=tls) as server:

        async def test() -> None:
            lost = []
            async with backend.open_feed(server.url, tls=client_context(authority), backoff=QUICK) as feed:
                async for item in feed.items():
                    if item == "a":
                        await feed.send("now")
                    if isinstance(item, Disconnected):
                        lost.append(item.failure.cause)
                    if item == "b":
                        break
            assert lost == [Cause.EOF]

        backend.run(test)
