"""The server's side of the opening handshake: wsproto's, and answers written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wsproto import ConnectionType, WSConnection
from wsproto.events import Event, Request
from wsproto.utilities import generate_accept_token

from holdfast.endpoint import Endpoint
from holdfast.failures import Failure
from holdfast.settings import Deflate
from holdfast.wire import Accepted, ClientHandshake

NONCE = bytes(range(16))
_KEY = b"AAECAwQFBgcICQoLDA0ODw=="
ACCEPT = generate_accept_token(_KEY).decode()
GOOD = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}


def handshake(
    url: str = "ws://example.com/feed",
    *,
    subprotocols: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    user_agent: str | None = None,
    max_size: int = 65536,
    compression: Deflate | None = None,
) -> ClientHandshake:
    endpoint = Endpoint(url, subprotocols=subprotocols, headers=headers)
    return ClientHandshake(endpoint, user_agent, NONCE, max_size, compression)


def asked(**options: object) -> ClientHandshake:
    """A handshake whose request is out."""
    started = handshake(**options)  # type: ignore[arg-type]
    started.request()
    return started


def request_head(raw: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Request line and headers, in order, as they are on the wire."""
    head, separator, body = raw.partition(b"\r\n\r\n")
    assert separator
    assert body == b""
    line, *fields = head.decode("ascii").split("\r\n")
    return line, [(name, value) for name, _, value in (field.partition(": ") for field in fields)]


def answer_to(request: bytes) -> str:
    """The Sec-WebSocket-Accept that this request wants."""
    return generate_accept_token(dict(request_head(request)[1])["Sec-WebSocket-Key"].encode()).decode()


def answered_by_wsproto(client: ClientHandshake, answer: Callable[[WSConnection, Request], list[Event]]) -> bytes:
    """What wsproto's server sends when it answers with these events."""
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(client.request())
    (request,) = server.events()
    assert isinstance(request, Request)
    return b"".join(server.send(event) for event in answer(server, request))


def http(status: str, headers: dict[str, str] | list[tuple[str, str]], rest: bytes = b"") -> bytes:
    """An answer: `status` is the line behind the version, such as "101 Switching Protocols"."""
    fields = headers.items() if isinstance(headers, dict) else headers
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + rest


def switching(changes: dict[str, str | None] | None = None, rest: bytes = b"") -> bytes:
    """The good answer with some headers replaced, added, or (None) left out."""
    headers = {name: value for name, value in {**GOOD, **(changes or {})}.items() if value is not None}
    return http("101 Switching Protocols", headers, rest)


def outcome(client: ClientHandshake, chunks: list[bytes]) -> Accepted | Failure | None:
    """The first answer that is no None; what came in later chunks is added to the rest, as a connection would."""
    for index, chunk in enumerate(chunks):
        answer = client.receive(chunk)
        if isinstance(answer, Accepted):
            return replace(answer, rest=answer.rest + b"".join(chunks[index + 1 :]))
        if answer is not None:
            return answer
    return None
