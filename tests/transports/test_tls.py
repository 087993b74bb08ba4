"""TLS on real sockets, with a certificate authority made for the test."""

from __future__ import annotations

import ssl

import pytest
import trustme

from helpers.backends import Backend
from helpers.servers import WebSocketServer, listen, send_and_stay, silent_listener
from holdfast import Backoff, Cause, ConfigError, ConnectFailed, GaveUp


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_messages_both_ways(backend: Backend, authority: trustme.CA):
    long = "x" * 300_000

    async def repeat(connection) -> None:
        async for message in connection:
            await connection.send(message)

    with WebSocketServer(repeat, tls=server_context(authority, "127.0.0.1")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, tls=client_context(authority)) as feed:
                for message in (long, "short", b"bytes"):
                    await feed.send(message)
                    assert await anext(aiter(feed)) == message

        backend.run(test)


def test_an_unknown_authority_is_final(backend: Backend, authority: trustme.CA):
    with WebSocketServer(listen, tls=server_context(authority, "127.0.0.1")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                with pytest.raises(GaveUp, match="certificate does not verify") as caught:
                    await anext(aiter(feed))
                assert caught.value.failure.cause is Cause.CERTIFICATE

        backend.run(test)


def test_the_certificate_must_carry_the_name(backend: Backend, authority: trustme.CA):
    with WebSocketServer(send_and_stay("hello"), tls=server_context(authority, "feed.test")) as server:

        async def test() -> None:
            tls = client_context(authority)
            async with backend.open_feed(server.url, tls=tls) as feed:
                with pytest.raises(GaveUp, match="certificate does not verify"):
                    await anext(aiter(feed))
            async with backend.open_feed(server.url, tls=tls, server_name="feed.test") as feed:
                assert await anext(aiter(feed)) == "hello"

        backend.run(test)


def test_a_server_without_tls_is_retried(backend: Backend):
    with WebSocketServer(listen) as server:

        async def test() -> None:
            url = server.url.replace("ws://", "wss://")
            async with backend.open_feed(url, backoff=Backoff(0.001, 1, 0.001)) as feed:
                async for item in feed.items():
                    if isinstance(item, ConnectFailed):
                        assert item.failure.cause in (Cause.TLS, Cause.RESET, Cause.EOF, Cause.REFUSED)
                        if feed.stats().dials == 2:
                            break

        backend.run(test)


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
