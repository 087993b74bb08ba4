"""Where no TLS comes about: nothing in common, or one side does not speak it. Legible, retried, alike on both."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import Awaitable, Callable

import pytest
import trustme

from helpers.backends import Backend
from helpers.servers import ThreadedServer, WebSocketServer, listen
from helpers.tls import TlsListener, client_context, server_context
from holdfast import Backoff, Cause, ConnectFailed, Failure, RetryScheduled
from holdfast_asyncio.listening import close_server

SLOW = Backoff(initial=20.0)
Bytes = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def failure_that_is_retried(backend: Backend, url: str, **options) -> Failure:
    failures = []

    async def test() -> None:
        async with backend.open_feed(url, backoff=SLOW, **options) as feed:
            items = feed.items()
            while not isinstance(failed := await anext(items), ConnectFailed):
                pass
            assert isinstance(await anext(items), RetryScheduled)
            failures.append(failed.failure)

    backend.run(test)
    return failures[0]


class Talker(ThreadedServer):
    """Does as it is told with every connection, in plain bytes."""

    def __init__(self, talk: Bytes) -> None:
        super().__init__()
        self._talk = talk

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        await close_server(self._server)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()


def says(data: bytes) -> Bytes:
    """When it was spoken to; then it hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(data)

    return talk


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)  # what is not read makes it an RST
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


def test_a_server_of_old_versions_only(backend: Backend, authority: trustme.CA):
    context = server_context(authority, "127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with TlsListener(context) as server:
        url = f"wss://127.0.0.1:{server.port}/"
        failure = failure_that_is_retried(backend, url, tls=client_context(authority))
    assert failure.cause is Cause.TLS
    assert "no version of TLS in common" in failure.detail


def test_no_cipher_in_common(backend: Backend, authority: trustme.CA):
    theirs, ours = server_context(authority, "127.0.0.1"), client_context(authority)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    theirs.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    ours.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    with TlsListener(theirs) as server:
        failure = failure_that_is_retried(backend, f"wss://127.0.0.1:{server.port}/", tls=ours)
        assert server.refusals == ["NO_SHARED_CIPHER"]
    assert failure.cause is Cause.TLS
    assert "no cipher in common" in failure.detail


@pytest.mark.parametrize(
    ("talk", "cause", "telling"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Cause.TLS, "does not seem to speak TLS"),
        (says(b"SSH-2.0-OpenSSH\r\n"), Cause.TLS, "does not seem to speak TLS"),
        (says(b""), Cause.TLS, "the stream ended in the middle"),
        (says(b"\x16\x03\x03\x00\x40\x02"), Cause.TLS, "the stream ended in the middle"),
        (resets, Cause.RESET, ""),
    ],
    ids=["http", "ssh", "hangs up", "half a record", "resets"],
)
def test_a_server_that_speaks_no_tls(backend: Backend, talk: Bytes, cause: Cause, telling: str):
    with Talker(talk) as server:
        failure = failure_that_is_retried(backend, f"wss://127.0.0.1:{server.port}/")
    assert failure.cause is cause
    assert telling in failure.detail


def test_a_plain_websocket_server(backend: Backend):
    with WebSocketServer(listen) as server:
        failure = failure_that_is_retried(backend, server.url.replace("ws://", "wss://"))
    assert failure.cause is Cause.TLS


def test_a_plain_url_of_a_server_that_speaks_tls(backend: Backend, authority: trustme.CA):
    with TlsListener(server_context(authority, "127.0.0.1")) as server:
        failure = failure_that_is_retried(backend, f"ws://127.0.0.1:{server.port}/")
        assert server.refusals == ["HTTP_REQUEST"]
    assert failure.cause is Cause.HANDSHAKE
    assert "wss://" in failure.detail


def test_a_plain_url_of_a_server_that_answers_with_an_alert(backend: Backend):
    with Talker(says(bytes.fromhex("15030100020246"))) as server:
        failure = failure_that_is_retried(backend, f"ws://127.0.0.1:{server.port}/")
    assert failure.cause is Cause.HANDSHAKE
    assert "use wss://" in failure.detail


def test_the_systems_trust_is_loaded_once_for_all_dials_of_a_feed(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    made = []
    make = ssl.create_default_context

    def counting() -> ssl.SSLContext:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counting)
    with Talker(says(b"")) as server:

        async def test() -> None:
            url = f"wss://127.0.0.1:{server.port}/"
            async with backend.open_feed(url, backoff=Backoff(0.001, 1, 0.001)) as feed:
                await backend.until(lambda: feed.stats().dials > 3)

        backend.run(test)
    assert len(made) == 1
