"""A tunnel through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6), without I/O; and whom to blame when there is none.

The answer is read by h11 to the end of its headers, in whatever pieces it comes. A reader that takes the first piece
for the whole would leave the rest of the headers to be read as the first bytes of TLS.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import h11

from holdfast.endpoint import Endpoint
from holdfast.failures import Cause, DialFailed, Failure, failure_of_dial, status_text
from holdfast.proxy import Proxy, host_and_port

_PROXY_AUTHENTICATION_REQUIRED = 407
# What python-socks says of the two ways to be refused by RFC 1928 section 3 and RFC 1929 section 2. It has no codes.
_SOCKS_AUTH = re.compile(r"authentication failure|no acceptable authentication", re.IGNORECASE)


class Tunnel:
    """Send `request`, then give what is received to `receive` until it returns True."""

    def __init__(self, proxy: Proxy, endpoint: Endpoint, max_size: int) -> None:
        self._proxy = proxy
        self._max_size = max_size
        self._room = max_size  # bytes that the answer may still take
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=max_size)
        to = host_and_port(endpoint.host, endpoint.port)
        headers = [("Host", to)]
        if proxy.authorization is not None:
            headers.append(("Proxy-Authorization", proxy.authorization))
        request = h11.Request(method="CONNECT", target=to, headers=headers)
        self.request = self._http.send(request) + self._http.send(h11.EndOfMessage())

    def receive(self, data: bytes) -> bool:
        """Whether the tunnel is open. Empty data is the end of the stream. Raises DialFailed."""
        self._room -= len(data)
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            told = "hung up before it answered" if not data else f"the answer is no valid HTTP: {error}"
            raise self._failed(told) from None
        if isinstance(event, h11.Response):
            return self._answered(event)
        if not data:
            raise self._failed("hung up before it answered")
        if self._room < 0:
            raise self._failed(f"the answer is longer than Limits.max_handshake_size, {self._max_size} bytes")
        return False

    def _answered(self, answer: h11.Response) -> bool:
        status = answer.status_code
        if not 200 <= status < 300:
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)
            cause = Cause.PROXY_AUTH if status == _PROXY_AUTHENTICATION_REQUIRED else Cause.PROXY
            raise DialFailed(Failure(cause, _told(self._proxy, status_text(status)), status=status, headers=headers))
        if self._http.trailing_data[0]:
            raise self._failed("sent more than its answer before anything went through")
        return True

    def _failed(self, told: str) -> DialFailed:
        return DialFailed(Failure(Cause.PROXY, _told(self._proxy, told)))


@contextmanager
def blaming(proxy: Proxy, *, but: tuple[type[Exception], ...] = ()) -> Generator[None]:
    """What goes wrong inside is the proxy's failure, raised as DialFailed; `but` comes out as it is."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (DialFailed, *but)):
            raise
        raise DialFailed(_failure_of_proxy(proxy, error)) from error


def _failure_of_proxy(proxy: Proxy, error: Exception) -> Failure:
    if type(error).__name__ == "ProxyError":  # of python-socks: the proxy answered, or hung up
        cause = Cause.PROXY_AUTH if _SOCKS_AUTH.search(str(error)) else Cause.PROXY
        return Failure(cause, _told(proxy, str(error)))
    return Failure(Cause.PROXY, _told(proxy, str(failure_of_dial(error))))


def _told(proxy: Proxy, what: str) -> str:
    return f"{proxy.told}: {what}"
