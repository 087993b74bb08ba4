"""Requests and answers, as bytes."""

from __future__ import annotations

import json

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.views import view_of
from helpers.world import World
from holdfast.observe import Site, StatusServer
from holdfast.observe.http import MAX_REQUEST, READ_SIZE, Conversation

WORLD = World().open()
FEEDS = {"a": view_of(WORLD)}


def asked(request: bytes, host: str = "127.0.0.1", feeds=FEEDS) -> tuple[int, dict[str, str], bytes]:
    """The answer to it, as an HTTP client reads it."""
    conversation, answer = Conversation(Site(feeds, host)), None
    for at in range(0, len(request), READ_SIZE):
        answer = answer or conversation.received(request[at : at + READ_SIZE])
    assert answer is not None
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=request.split()[0] or b"GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    head = client.next_event()
    assert isinstance(head, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return head.status_code, {name.decode(): value.decode() for name, value in head.headers}, body


def get(target: str, host: str = "localhost:9464", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def test_each_path() -> None:
    assert asked(get("/health"))[0::2] == (200, b"alive\n")
    assert asked(get("/ready"))[0::2] == (200, b"ready\n")
    code, headers, body = asked(get("/status"))
    assert (code, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["feeds"]["a"]["state"] == "open"
    assert "stream_stats" in json.loads(asked(get("/status?streams=1"))[2])["feeds"]["a"]
    assert "stream_stats" not in json.loads(asked(get("/status?streams=0"))[2])["feeds"]["a"]
    code, headers, body = asked(get("/"))
    assert (code, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert b"Holdfast" in body
    code, _, body = asked(get("/../secret"))
    assert code == 404
    assert b"/status" in body


def test_who_is_not_ready_says_why() -> None:
    world = World()
    assert asked(get("/ready"), feeds={"a": view_of(world)})[0::2] == (503, b"a: idle\n")
    assert asked(get("/health"), feeds={"a": view_of(world)})[0] == 200


def test_feeds_may_come_and_go() -> None:
    feeds = {}
    site = Site(feeds, "127.0.0.1")
    assert site.answer("GET", "/ready", "localhost").status == 200
    feeds["a"] = view_of(World())
    assert site.answer("GET", "/ready", "localhost").status == 503


def test_head_is_get_without_a_body() -> None:
    code, headers, body = asked(get("/status", method="HEAD"))
    assert (code, body) == (200, b"")
    assert int(headers["content-length"]) > 100
    answer = Conversation(Site(FEEDS, "127.0.0.1")).received(get("/status", method="HEAD"))
    assert answer is not None
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_changed(method: str) -> None:
    code, headers, _ = asked(get("/status", method=method))
    assert (code, headers["allow"]) == (405, "GET, HEAD")


def test_nothing_is_cached_and_nobody_else_may_read() -> None:
    _, headers, _ = asked(get("/status"))
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert "access-control-allow-origin" not in headers


OURS = ["localhost", "localhost:9464", "LOCALHOST.", "127.0.0.1", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:9464"]
OTHERS = [
    "evil.example",
    "evil.example:9464",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "[::2]:1",
]


@pytest.mark.parametrize("listens", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_on_loopback_only_names_of_loopback_are_answered(listens: str) -> None:
    for host in OURS:
        assert asked(get("/status", host), listens)[0] == 200, host
    for host in OTHERS:
        code, _, body = asked(get("/status", host), listens)
        assert (code, b"feeds" in body) == (403, False), host
    assert asked(b"GET /status HTTP/1.0\r\n\r\n", listens)[0] == 403


def test_who_listens_to_all_is_asked_by_any_name() -> None:
    for host in OURS + OTHERS:
        assert asked(get("/status", host), "0.0.0.0")[0] == 200


def test_a_request_may_come_in_pieces() -> None:
    conversation, request = Conversation(Site(FEEDS, "127.0.0.1")), get("/health")
    for at in range(len(request) - 1):
        assert conversation.received(request[at : at + 1]) is None
    answer = conversation.received(request[-1:])
    assert answer is not None
    assert answer.endswith(b"alive\n")


def test_a_request_has_a_bound() -> None:
    assert asked(b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * MAX_REQUEST * 2)[0] == 431
    assert asked(get("/" + "x" * MAX_REQUEST * 2))[0] in (414, 431)


def test_who_goes_away_is_not_answered() -> None:
    assert Conversation(Site(FEEDS, "127.0.0.1")).received(b"") == b""


@given(data=st.binary(max_size=60), cut=st.integers(0, 60))
def test_no_bytes_break_it(data: bytes, cut: int) -> None:
    conversation = Conversation(Site(FEEDS, "127.0.0.1"))
    first = conversation.received(data[:cut]) if data[:cut] else None
    if first is None:
        conversation.received(data[cut:])


def test_a_failure_of_what_is_looked_at_is_an_answer() -> None:
    class Broken:
        def stats(self):
            raise RuntimeError("no such feed")

    code, _, body = asked(get("/status"), feeds={"a": Broken()})
    assert (code, body) == (500, b"RuntimeError: no such feed\n")


def test_where_it_can_be_reached() -> None:
    assert StatusServer("127.0.0.1", 80).url == "http://127.0.0.1:80/"
    assert StatusServer("::1", 80).url == "http://[::1]:80/"
