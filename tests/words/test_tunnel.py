"""CONNECT: what is asked, and every answer in every cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Cause, Endpoint
from holdfast.failures import DialFailed
from holdfast.proxy import parse_proxy
from holdfast.tunnel import Tunnel, blaming

PROXY = parse_proxy("http://p:3128")


def tunnel(endpoint: str = "wss://feed.test/path", proxy: str = "http://p:3128", max_size: int = 1000) -> Tunnel:
    return Tunnel(parse_proxy(proxy), Endpoint(endpoint), max_size)


@pytest.mark.parametrize(
    ("endpoint", "to"),
    [
        ("wss://feed.test/", b"feed.test:443"),
        ("ws://feed.test/", b"feed.test:80"),
        ("ws://me:pw@feed.test:81/?token=t", b"feed.test:81"),
        ("wss://[2001:db8::1]/", b"[2001:db8::1]:443"),
    ],
)
def test_the_request_names_the_place_and_nothing_else_of_the_service(endpoint: str, to: bytes) -> None:
    request = tunnel(endpoint).request
    assert request.split(b"\r\n") == [b"CONNECT " + to + b" HTTP/1.1", b"Host: " + to, b"", b""]


def test_credentials_stand_in_the_request() -> None:
    assert b"\r\nProxy-Authorization: Basic bWU6cHc=\r\n" in tunnel(proxy="http://me:pw@p").request


OPEN = [
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.0 200 Connection established\r\n\r\n",
    b"HTTP/1.1 200\r\nVia: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 299 Fine\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
]
CUTS = st.lists(st.integers(0, 200), max_size=5)


def feed(one: Tunnel, answer: bytes, cuts: list[int]) -> bool:
    """The end of the stream stands behind the answer."""
    edges = sorted({0, len(answer), *(cut % len(answer) for cut in cuts)})
    for begin, end in pairwise(edges):
        if one.receive(answer[begin:end]):
            assert end == len(answer)
            return True
    return one.receive(b"")


@given(st.sampled_from(OPEN), CUTS)
def test_the_tunnel_is_open_behind_the_last_header_and_not_before(answer: bytes, cuts: list[int]) -> None:
    assert feed(tunnel(), answer, cuts)


REFUSED = [
    (b"HTTP/1.1 407 x\r\nA: b\r\n\r\n", Cause.PROXY_AUTH, 407, "p:3128: HTTP 407 Proxy Authentication Required"),
    (b"HTTP/1.1 403 x\r\n\r\n<html>", Cause.PROXY, 403, "p:3128: HTTP 403 Forbidden"),
    (b"HTTP/1.1 599 x\r\n\r\n", Cause.PROXY, 599, "p:3128: HTTP 599"),
    (b"HTTP/1.1 302 x\r\nLocation: /\r\n\r\n", Cause.PROXY, 302, "p:3128: HTTP 302 Found"),
    (b"HTTP/1.1 101 x\r\n\r\n", Cause.PROXY, None, "p:3128: the answer is no valid HTTP"),
    (b"\x05\x00\r\n\r\n", Cause.PROXY, None, "p:3128: the answer is no valid HTTP"),
    (b"HTTP/1.1 200 OK\r\nA: b", Cause.PROXY, None, "p:3128: hung up before it answered"),
    (b"HTTP/1.1 100 x\r\n\r\n" * 200, Cause.PROXY, None, "longer than Limits.max_handshake_size, 1000 bytes"),
]


@given(st.sampled_from(REFUSED), CUTS)
def test_a_refusal_is_the_same_in_every_cut(refused: tuple[bytes, Cause, int | None, str], cuts: list[int]) -> None:
    answer, cause, status, told = refused
    with pytest.raises(DialFailed) as caught:
        feed(tunnel(), answer, cuts)
    failure = caught.value.failure
    assert (failure.cause, failure.status) == (cause, status)
    assert told in failure.detail


def test_headers_of_a_refusal_can_be_read() -> None:
    with pytest.raises(DialFailed) as caught:
        tunnel().receive(b"HTTP/1.1 503 x\r\nRetry-After: 7\r\n\r\n")
    assert caught.value.failure.header("retry-after") == "7"


def test_headers_without_end_are_bounded() -> None:
    one = tunnel(max_size=1000)
    with pytest.raises(DialFailed):
        for _ in range(1000):
            one.receive(b"X: " + b"x" * 100)


def test_what_comes_before_anything_went_through_is_refused() -> None:
    with pytest.raises(DialFailed, match="more than its answer"):
        tunnel().receive(b"HTTP/1.1 200 OK\r\n\r\nhello")


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=40))
def test_no_bytes_raise_anything_else(chunks: list[bytes]) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 "):
        one = tunnel(max_size=300)
        try:
            if prefix:
                one.receive(prefix)
            for chunk in [*chunks, b""]:
                if one.receive(chunk):
                    break
        except DialFailed:
            pass


def test_whom_to_blame() -> None:
    with pytest.raises(
        DialFailed, match="no way through the proxy: p:3128: connection refused: nobody there"
    ) as caught:
        with blaming(PROXY):
            raise ConnectionRefusedError("nobody there")
    assert caught.value.failure.cause is Cause.PROXY
    with pytest.raises(ConnectionRefusedError), blaming(PROXY, but=(ConnectionRefusedError,)):
        raise ConnectionRefusedError
    with pytest.raises(DialFailed) as again, blaming(PROXY):
        raise caught.value
    assert again.value is caught.value
