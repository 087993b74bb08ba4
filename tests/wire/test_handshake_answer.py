"""What the server answers to the opening handshake: whatever it is, a meaning comes back and nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import WSConnection
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request, TextMessage

from helpers.frames import chunk_sizes, chunked, server_frame
from helpers.upgrade import ACCEPT, GOOD, answered_by_wsproto, asked, handshake, http, outcome, switching
from holdfast.failures import Cause, Failure
from holdfast.wire import TEXT, Accepted

EARLY = server_frame(TEXT, b"early") + b"\x81"


@given(st.sampled_from([None, "v1", "v2"]), st.booleans(), chunk_sizes())
def test_wsproto_accepts_and_its_first_message_is_the_rest(chosen: str | None, early: bool, sizes: list[int]) -> None:
    def answer(server: WSConnection, request: Request) -> list[Event]:
        assert request.subprotocols == ["v1", "v2"]
        events: list[Event] = [AcceptConnection(subprotocol=chosen, extra_headers=[(b"X-Served-By", b"a")])]
        return [*events, TextMessage("early")] if early else events

    client = handshake(subprotocols=("v1", "v2"))
    accepted = outcome(client, list(chunked(answered_by_wsproto(client, answer), sizes)))
    assert isinstance(accepted, Accepted)
    assert accepted.subprotocol == chosen
    assert ("x-served-by", "a") in [(name.lower(), value) for name, value in accepted.headers]
    assert accepted.rest == (server_frame(TEXT, b"early") if early else b"")


@given(st.sampled_from([200, 302, 400, 401, 403, 404, 429, 500, 503, 599]), st.binary(max_size=700), chunk_sizes())
def test_wsproto_rejects_with_status_headers_and_body(status: int, body: bytes, sizes: list[int]) -> None:
    def answer(server: WSConnection, request: Request) -> list[Event]:
        headers = [(b"Retry-After", b"7"), (b"Content-Length", str(len(body)).encode())]
        return [RejectConnection(status_code=status, headers=headers, has_body=True), RejectData(data=body)]

    client = handshake()
    failure = outcome(client, list(chunked(answered_by_wsproto(client, answer), sizes)))
    assert isinstance(failure, Failure)
    assert (failure.cause, failure.status) == (Cause.HTTP, status)
    assert failure.header("RETRY-AFTER") == "7"
    assert body.startswith(failure.body)
    assert len(failure.body) <= 512
    assert str(status) in str(failure)


def test_the_body_that_came_with_the_answer_is_kept() -> None:
    failure = outcome(asked(), [http("418 I'm a teapot", {"Content-Length": "16"}, b"banned until 9am")])
    assert isinstance(failure, Failure)
    assert (failure.body, failure.detail) == (b"banned until 9am", "banned until 9am")


def test_a_long_body_is_cut() -> None:
    failure = outcome(asked(), [http("500 Oops", {"Content-Length": "9000"}, b"x" * 9000)])
    assert isinstance(failure, Failure)
    assert failure.body == b"x" * 512


@pytest.mark.parametrize("body", [b"<html>", b"\x00\x01", b"\xff", b"two\nlines"])
def test_a_body_that_is_no_line_of_text_is_no_detail(body: bytes) -> None:
    failure = outcome(asked(), [http("400 Bad Request", {"Content-Length": str(len(body))}, body)])
    assert isinstance(failure, Failure)
    assert failure.body == body
    assert "\x00" not in failure.detail
    assert "<" not in failure.detail
    assert "\n" not in failure.detail


@given(chunk_sizes())
def test_bytes_behind_the_answer_are_kept_whatever_they_are(sizes: list[int]) -> None:
    accepted = outcome(asked(), list(chunked(switching(rest=EARLY), sizes)))
    assert isinstance(accepted, Accepted)
    assert accepted.rest == EARLY


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, UPGRADE"},
        {"Upgrade": "h2c, websocket"},
        {"X-More": "ü"},
    ],
)
def test_answers_that_are_good_enough(changes: dict[str, str | None]) -> None:
    assert isinstance(outcome(asked(), [switching(changes)]), Accepted)


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"Upgrade": None}, "Upgrade"),
        ({"Upgrade": "h2c"}, "Upgrade"),
        ({"Connection": None}, "Connection"),
        ({"Connection": "close"}, "Connection"),
        ({"Sec-WebSocket-Accept": None}, "Sec-WebSocket-Accept"),
        ({"Sec-WebSocket-Accept": ACCEPT.lower()}, "Sec-WebSocket-Accept"),
        ({"Sec-WebSocket-Accept": ACCEPT + "="}, "Sec-WebSocket-Accept"),
        ({"Sec-WebSocket-Extensions": "permessage-deflate; x=1"}, "permessage-deflate"),
        ({"Sec-WebSocket-Protocol": "never-offered"}, "never-offered"),
        ({"Sec-WebSocket-Protocol": "v1, v2"}, "v1, v2"),
        ({"Sec-WebSocket-Protocol": "V1"}, "V1"),
    ],
)
def test_answers_that_a_client_must_refuse(changes: dict[str, str | None], telling: str) -> None:
    failure = outcome(asked(subprotocols=("v1", "v2")), [switching(changes)])
    assert isinstance(failure, Failure)
    assert failure.cause is Cause.HANDSHAKE
    assert telling in str(failure)


@pytest.mark.parametrize("name", ["Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"])
def test_a_header_that_may_stand_once_is_refused_twice(name: str) -> None:
    fields = {**GOOD, "Sec-WebSocket-Protocol": "v1"}
    answer = http("101 Switching Protocols", [*fields.items(), (name, fields[name])])
    failure = outcome(asked(subprotocols=("v1", "v2")), [answer])
    assert isinstance(failure, Failure)
    assert failure.cause is Cause.HANDSHAKE


def test_an_answer_to_another_key_is_refused() -> None:
    failure = outcome(asked(), [switching({"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})])
    assert isinstance(failure, Failure)
    assert "key" in failure.detail


@given(st.integers(0, 5), chunk_sizes())
def test_interim_answers_are_passed_over(count: int, sizes: list[int]) -> None:
    stream = (http("100 Continue", {}) + http("103 Early Hints", {"Link": "</a>"})) * count + switching(rest=EARLY)
    accepted = outcome(asked(), list(chunked(stream, sizes)))
    assert isinstance(accepted, Accepted)
    assert accepted.rest == EARLY


@pytest.mark.parametrize("cut", [1, 100, 255])
@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 5000,
        b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 1000,
        http("100 Continue", {"X": "y"}) * 100,
        b"garbage " * 1000,
    ],
)
def test_an_answer_beyond_the_limit_is_refused(endless: bytes, cut: int) -> None:
    client = asked(max_size=1000)
    failure = outcome(client, list(chunked(endless, [cut])))
    assert isinstance(failure, Failure)
    assert failure.cause is Cause.HANDSHAKE


def test_an_answer_beyond_the_limit_is_refused_in_one_chunk_too() -> None:
    answer = switching({"X-Padding": "x" * 5000})
    in_pieces = outcome(asked(max_size=1000), list(chunked(answer, [100])))
    assert isinstance(in_pieces, Failure)
    assert isinstance(outcome(asked(max_size=1000), [answer]), Failure)


def test_a_refusal_beyond_the_limit_means_the_same_in_all_chunks() -> None:
    answer = http("404 Not Found", {"X-Padding": "x" * 5000, "Content-Length": "0"})
    whole, cut = outcome(asked(max_size=1000), [answer]), outcome(asked(max_size=1000), [answer[:2000], answer[2000:]])
    assert isinstance(whole, Failure)
    assert isinstance(cut, Failure)
    assert whole.cause is cut.cause


def test_the_limit_is_about_the_answer_and_not_about_what_follows() -> None:
    accepted = outcome(asked(max_size=1000), [switching(rest=b"x" * 100_000)])
    assert isinstance(accepted, Accepted)
    assert len(accepted.rest) == 100_000


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 099 Low\r\n\r\n",
        b"HTTP/1.1 1000 High\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
        b"\x00" * 40 + b"\r\n\r\n",
        b"HTTP/1.1 101 S\r\nNo colon here\r\n\r\n",
        b"HTTP/1.1 101 S\r\n: empty\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: me\r\n\r\n",
        server_frame(TEXT, b"no handshake at all") + b"\r\n\r\n",
    ],
)
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_other_answers_are_failures(answer: bytes, cut: int) -> None:
    assert isinstance(outcome(asked(), list(chunked(answer, [cut]))), Failure)


@given(st.binary(max_size=200), chunk_sizes())
def test_no_bytes_raise(garbage: bytes, sizes: list[int]) -> None:
    for stream in (garbage, b"HTTP/1.1 " + garbage + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + garbage + b"\r\n\r\n"):
        assert not isinstance(outcome(asked(), list(chunked(stream, sizes))) if stream else None, Accepted)


@given(st.integers(0, 170), st.integers(0, 255), chunk_sizes())
def test_a_good_answer_with_one_byte_changed_raises_nothing(at: int, value: int, sizes: list[int]) -> None:
    stream = bytearray(switching(rest=EARLY))
    stream[at % len(stream)] = value
    chunks = list(chunked(bytes(stream), sizes))
    whole, cut = outcome(asked(), [bytes(stream)]), outcome(asked(), chunks)
    if isinstance(whole, Accepted):
        assert cut == whole
    else:
        assert type(cut) is type(whole)


@given(chunk_sizes())
@pytest.mark.parametrize("record", ["15030100020246", "16030100050100000100"], ids=["alert", "handshake"])
def test_an_answer_in_tls_is_called_by_its_name(record: str, sizes: list[int]) -> None:
    failure = outcome(asked(), list(chunked(bytes.fromhex(record), sizes)))
    assert isinstance(failure, Failure)
    assert "use wss://" in failure.detail


def test_such_bytes_further_on_are_no_tls() -> None:
    failure = outcome(asked(), [b"HTTP/1.1 101 Switching\r\n", b"\x16\x03\r\n\r\n"])
    assert isinstance(failure, Failure)
    assert "wss" not in failure.detail


@given(chunk_sizes())
def test_an_answer_that_fills_the_bound_and_is_not_whole_is_told_as_too_long(sizes: list[int]) -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nX-Long: "
    endless = head + b"a" * (65536 - len(head))
    failure = outcome(asked(), [*chunked(endless, sizes), b"a"])
    assert isinstance(failure, Failure)
    assert "longer than Limits.max_handshake_size, 65536 bytes" in failure.detail
