"""The opening handshake, client side (RFC 6455 section 4.1), on h11.

Not wsproto's own: its nonce comes from os.urandom, so that a recorded handshake could never be replayed; and the
bytes that follow the answer are private to it. Whatever is wrong with the answer is returned, never raised.
"""

from __future__ import annotations

from base64 import b64encode
from sys import intern

import h11
from wsproto.utilities import generate_accept_token

from holdfast.endpoint import Endpoint
from holdfast.failures import Cause, Failure
from holdfast.masking import mask_cut
from holdfast.records import dataclass
from holdfast.settings import Deflate
from holdfast.wire.negotiation import Agreement, agree, offer

NONCE_SIZE = 16
BODY_EXCERPT = 512
_TLS_RECORDS = (b"\x15", b"\x16")  # how an alert and a handshake begin (RFC 8446 section 5.1)
_Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server switched protocols. `rest` are the bytes that came behind its answer: already frames.

    `compression`: None if there is none.
    """

    subprotocol: str | None
    headers: _Headers
    rest: bytes
    compression: Agreement | None = None


class ClientHandshake:
    """One request and the answer to it. `receive` returns None until the answer is complete."""

    def __init__(
        self,
        endpoint: Endpoint,
        user_agent: str | None,
        nonce: bytes,
        max_size: int,
        compression: Deflate | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._compression = compression
        self._user_agent = user_agent
        self._key = b64encode(nonce)
        self._max_size = max_size
        self._room = max_size  # bytes that the answer may still take
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=max_size)

    def request(self) -> bytes:
        """The bytes of the request. Call once."""
        endpoint = self._endpoint
        headers: list[tuple[str, str]] = [
            ("Host", endpoint.authority),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", self._key.decode()),
            ("Sec-WebSocket-Version", "13"),
        ]
        if endpoint.subprotocols:
            headers.append(("Sec-WebSocket-Protocol", ", ".join(endpoint.subprotocols)))
        if self._compression is not None:
            headers.append(("Sec-WebSocket-Extensions", offer(self._compression)))
        given = {name.lower() for name, _ in endpoint.headers}
        if endpoint.authorization is not None and "authorization" not in given:
            headers.append(("Authorization", endpoint.authorization))
        if self._user_agent is not None and "user-agent" not in given:
            headers.append(("User-Agent", self._user_agent))
        headers.extend(endpoint.headers)
        request = h11.Request(method="GET", target=endpoint.target, headers=headers)
        return self._http.send(request) + self._http.send(h11.EndOfMessage())

    def receive(self, data: bytes) -> Accepted | Failure | None:
        """Give the bytes that arrived; the answer's meaning comes back once it is known."""
        # h11 has a bound of its own, which is not strict, and does not see the sum of interim answers (1xx).
        first = self._room == self._max_size
        within, beyond = data[: self._room], data[self._room :]
        self._room -= len(within)
        try:
            if within:  # nothing would mean the end of the stream, to h11
                self._http.receive_data(within)
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    return Failure(Cause.HANDSHAKE, self._too_long) if beyond else None
                if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                    return self._switched(event, beyond)
                if isinstance(event, h11.Response):
                    return self._refused(event)
                if not isinstance(event, h11.InformationalResponse):
                    return Failure(Cause.HANDSHAKE, "the server closed before it answered")
        except h11.RemoteProtocolError as error:
            if first and within.startswith(_TLS_RECORDS):
                return Failure(Cause.HANDSHAKE, "the server answers in TLS: use wss://")
            return Failure(Cause.HANDSHAKE, f"not a valid HTTP answer: {error}")

    def _switched(self, answer: h11.InformationalResponse, beyond: bytes) -> Accepted | Failure:
        headers = _decode(answer)
        try:
            self._check(headers)
            compression = agree(self._compression, _joined(headers, "sec-websocket-extensions"))
        except ValueError as problem:
            return Failure(Cause.HANDSHAKE, str(problem), status=101, headers=headers)
        rest = self._http.trailing_data[0] + beyond
        return Accepted(_single(headers, "sec-websocket-protocol"), headers, rest, compression)

    @property
    def _too_long(self) -> str:
        return f"the answer is longer than Limits.max_handshake_size, {self._max_size} bytes"

    def _check(self, headers: _Headers) -> None:
        """Raise ValueError for what RFC 6455 section 4.1 tells a client to fail for."""
        if "websocket" not in _tokens(headers, "upgrade"):
            raise ValueError("the answer has no 'Upgrade: websocket'")
        if "upgrade" not in _tokens(headers, "connection"):
            raise ValueError("the answer has no 'Connection: Upgrade'")
        if _single(headers, "sec-websocket-accept") != generate_accept_token(self._key).decode():
            raise ValueError("Sec-WebSocket-Accept does not answer our key: a cache or a proxy may have answered")
        chosen = [value for name, value in headers if name == "sec-websocket-protocol"]
        if len(chosen) > 1 or any(name not in self._endpoint.subprotocols for name in chosen):
            offered = ", ".join(self._endpoint.subprotocols) or "none"
            raise ValueError(f"the server chose subprotocol {', '.join(chosen)!r}; offered: {offered}")

    def _refused(self, answer: h11.Response) -> Failure:
        body, is_whole = self._excerpt()
        text = body.decode("utf-8", "replace").strip()
        if not is_whole:
            text = mask_cut(text)
        detail = text if text.isprintable() and "<" not in text else ""
        return Failure(Cause.HTTP, detail, status=answer.status_code, headers=_decode(answer), body=body)

    def _excerpt(self) -> tuple[bytes, bool]:
        """The beginning of the body, where services say what they want, as far as it has come; and if that is all."""
        body, event = b"", None
        try:
            while len(body) <= BODY_EXCERPT and isinstance(event := self._http.next_event(), h11.Data):
                body += event.data
        except h11.RemoteProtocolError:
            pass  # the status is known; a broken body adds nothing
        return bytes(body[:BODY_EXCERPT]), isinstance(event, h11.EndOfMessage) and len(body) <= BODY_EXCERPT


def _decode(answer: h11.InformationalResponse | h11.Response) -> _Headers:
    # Every connection keeps them, and they have the same names. Not so the values: what is interned may stay for ever.
    return tuple((intern(name.decode("latin-1")), value.decode("latin-1")) for name, value in answer.headers)


def _tokens(headers: _Headers, name: str) -> list[str]:
    return [token.strip().lower() for token in _joined(headers, name).split(",") if token.strip()]


def _joined(headers: _Headers, name: str) -> str:
    """A list that may stand in several headers of the same name (RFC 9110 section 5.3)."""
    return ",".join(value for key, value in headers if key == name)


def _single(headers: _Headers, name: str) -> str | None:
    values = [value for key, value in headers if key == name]
    return values[0] if len(values) == 1 else None
