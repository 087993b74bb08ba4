"""One request and its answer over HTTP/1.1, as bytes: what both transports do, but for the awaiting."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import h11

from holdfast.checks import between, need
from holdfast.errors import ConfigError
from holdfast.observe.answers import Answer, Site

MAX_REQUEST = 16 * 1024  # bytes
TIMEOUT = 10.0  # seconds in which a client must have asked and taken the answer
MAX_CLIENTS = 64  # at the same time; more are turned away
READ_SIZE = 8 * 1024


class Conversation:
    """With one client. It asks once, is answered, and the connection is closed.

    The transport gives what it reads to `received`, closes the connection after `TIMEOUT` in any case, and serves at
    most `MAX_CLIENTS` at once.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_REQUEST)

    def received(self, data: bytes) -> bytes | None:
        """Bytes of the client's, or b"" at the end of them. None: go on reading. Else: send this, and close."""
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            text = f"{error}\n".encode(errors="replace")
            return self._written(Answer(error.error_status_hint, "text/plain; charset=utf-8", text))
        if event is h11.NEED_DATA:
            return None
        if not isinstance(event, h11.Request):
            return b""  # it went away
        host = next((value for name, value in event.headers if name == b"host"), None)
        method = event.method.decode("ascii")
        answer = self._site.answer(method, event.target.decode("ascii"), host.decode("latin-1") if host else None)
        return self._written(answer, with_body=method != "HEAD")

    def _written(self, answer: Answer, *, with_body: bool = True) -> bytes:
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
            *answer.headers,
        ]
        phrase = HTTPStatus(answer.status).phrase
        head = self._http.send(h11.Response(status_code=answer.status, reason=phrase, headers=headers)) or b""
        return head + answer.body if with_body else head


def check_status(feeds: object, port: int) -> None:
    """Raise ConfigError for arguments of `serve_status` that cannot be."""
    need(isinstance(feeds, Mapping), "feeds", feeds, 'a mapping of feeds by name, such as {"trades": feed}')
    between("port", port, 0, 65535)


def not_served(host: str, port: int, error: OSError | ValueError) -> ConfigError:
    """What to raise when nobody can listen there. ValueError is for what cannot be the name of a host."""
    words = error.strerror or error if isinstance(error, OSError) else error
    return ConfigError(
        f"the status page cannot be served on {host}:{port}: {words}; "
        "choose an address of this machine, and a port that is free (0 for any)"
    )
