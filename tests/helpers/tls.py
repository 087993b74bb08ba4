"""TLS contexts for tests; the authority is a test's own."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Self

import trustme


def server_context(authority: trustme.CA, *names: str, expired: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    now = datetime.now(UTC)
    times = {"not_before": now - timedelta(days=9), "not_after": now - timedelta(days=1)} if expired else {}
    authority.issue_cert(*names, **times).configure_cert(context)
    return context


def client_context(authority: trustme.CA, certificate_of: trustme.CA | None = None) -> ssl.SSLContext:
    """It trusts the authority; `certificate_of` issues the client's own certificate."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certificate_of is not None:
        certificate_of.issue_cert("client@feed.test").configure_cert(context)
    return context


class TlsListener:
    """TLS on a blocking socket, one client after the other: OpenSSL itself answers, with the alerts that asyncio keeps.

    When the handshake went well, it ends the stream. `refusals` are what it found wrong.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.refusals: list[str] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(10)
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        tls = self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        with tls:
            try:
                tls.do_handshake()
            except ssl.SSLError as error:
                self.refusals.append(error.reason or "")
            # Below TLS, and all of it: closed with something unread, the kernel may reset what was said.
            socket.socket.shutdown(tls, socket.SHUT_WR)
            while socket.socket.recv(tls, 4096):
                pass
