"""The request of the opening handshake, as bytes and as a server reads it (RFC 6455 section 4.1)."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request

from helpers.upgrade import NONCE, handshake, request_head
from holdfast.errors import InvalidURL

KEY = b64encode(NONCE).decode()


def test_the_whole_request_in_order() -> None:
    client = handshake(
        "wss://example.com:8443/a/b?c=d",
        subprotocols=("v2.feed", "v1.feed"),
        headers=(("X-First", "1"), ("Cookie", "a=b"), ("X-First", "again")),
        user_agent="tester/1",
    )
    line, headers = request_head(client.request())
    assert line == "GET /a/b?c=d HTTP/1.1"
    assert headers == [
        ("Host", "example.com:8443"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", "v2.feed, v1.feed"),
        ("User-Agent", "tester/1"),
        ("X-First", "1"),
        ("Cookie", "a=b"),
        ("X-First", "again"),
    ]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ws://example.com", "example.com"),
        ("ws://EXAMPLE.com:80/", "example.com"),
        ("wss://example.com:443/", "example.com"),
        ("wss://example.com:80/", "example.com:80"),
        ("ws://example.com:443/", "example.com:443"),
        ("ws://[::1]/", "[::1]"),
        ("ws://[2001:DB8::1]:9000/", "[2001:db8::1]:9000"),
        ("ws://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("ws://user:pass@example.com:81/", "example.com:81"),
        ("ws://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_the_host_header(url: str, host: str) -> None:
    headers = dict(request_head(handshake(url).request())[1])
    assert headers["Host"] == host


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("ws://h", "/"),
        ("ws://h?a=1", "/?a=1"),
        ("ws://h/a%20b", "/a%20b"),
        ("ws://h/ü?q=ü", "/%C3%BC?q=%C3%BC"),
        ('ws://h/{a}"<b>', "/%7Ba%7D%22%3Cb%3E"),
        ("ws://h/a;b=c/@d!$&'()*+,=:~", "/a;b=c/@d!$&'()*+,=:~"),
        ("ws://h/ws/btcusdt@trade/ethusdt@trade", "/ws/btcusdt@trade/ethusdt@trade"),
        ("ws://h/?a=b?c/d&e=%3D", "/?a=b?c/d&e=%3D"),
    ],
)
def test_the_target_is_percent_encoded_once(url: str, target: str) -> None:
    assert request_head(handshake(url).request())[0] == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize(
    ("user_info", "pair"),
    [("user:pass", b"user:pass"), ("user", b"user:"), ("a%3Ab:p%40ss", b"a:b:p@ss"), ("ü:%C3%BC", "ü:ü".encode())],
)
def test_user_info_becomes_basic_authorization(user_info: str, pair: bytes) -> None:
    headers = dict(request_head(handshake(f"ws://{user_info}@h/").request())[1])
    assert headers["Authorization"] == "Basic " + b64encode(pair).decode()


def test_headers_given_take_the_place_of_ours() -> None:
    client = handshake(
        "ws://user:pass@h/", headers=(("authorization", "Bearer x"), ("user-agent", "mine")), user_agent="ours"
    )
    headers = [(name.lower(), value) for name, value in request_head(client.request())[1]]
    assert [value for name, value in headers if name == "authorization"] == ["Bearer x"]
    assert [value for name, value in headers if name == "user-agent"] == ["mine"]


def test_without_a_user_agent_no_such_header_is_sent() -> None:
    assert "User-Agent" not in dict(request_head(handshake(user_agent=None).request())[1])


@given(
    st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]), max_size=20),
    st.binary(min_size=16, max_size=16),
)
def test_any_path_that_is_taken_makes_a_request_that_a_server_reads(path: str, nonce: bytes) -> None:
    try:
        client = handshake(f"ws://user@h:8080/{path}")
    except InvalidURL:
        return
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(client.request())
    (request,) = server.events()
    assert isinstance(request, Request)
    assert request.target.isascii()


VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10)


@pytest.mark.parametrize("value", ["Bearer x ", " x", "\tx"])
def test_a_header_value_with_white_space_around_it_is_sent_stripped_or_refused_at_once(value: str) -> None:
    from holdfast.errors import ConfigError

    try:
        client = handshake(headers=(("X-Token", value),))
    except ConfigError:
        return
    assert dict(request_head(client.request())[1])["X-Token"] == value.strip()
