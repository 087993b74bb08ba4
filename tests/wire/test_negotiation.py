"""Compression in the opening handshake: what is offered, which answers are taken, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension
from wsproto import WSConnection
from wsproto.events import AcceptConnection, Event, Request
from wsproto.extensions import PerMessageDeflate

from helpers.upgrade import answered_by_wsproto, asked, handshake, http, outcome, request_head, switching
from holdfast import Deflate
from holdfast.failures import Cause, Failure
from holdfast.wire import Accepted, Agreement

NAME = "Sec-WebSocket-Extensions"
BITS = st.integers(9, 15)
DEFLATES = st.builds(Deflate, st.booleans(), st.booleans(), BITS, BITS)


def answered(value: str, **settings: Any) -> Accepted | Failure | None:
    return outcome(asked(compression=Deflate(**settings)), [switching({NAME: value})])


def agreement(value: str, **settings: Any) -> Agreement | None:
    accepted = answered(value, **settings)
    assert isinstance(accepted, Accepted), accepted
    return accepted.compression


# The offer


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({}, "permessage-deflate; client_max_window_bits"),
        ({"client_max_window_bits": 9}, "permessage-deflate; client_max_window_bits=9"),
        (
            {"server_max_window_bits": 8},
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits",
        ),
        (
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
    ],
)
def test_the_offer(settings: dict[str, Any], value: str) -> None:
    assert dict(request_head(handshake(compression=Deflate(**settings)).request())[1])[NAME] == value


def test_nothing_is_offered_unless_asked_for() -> None:
    assert NAME not in dict(request_head(handshake().request())[1])


# The answer


@given(DEFLATES, st.booleans(), st.booleans(), st.none() | BITS, st.none() | BITS)
def test_whatever_websockets_agrees_to(
    offered: Deflate, server_takeover: bool, client_takeover: bool, server_bits: int | None, client_bits: int | None
) -> None:
    client = handshake(compression=offered)
    ((_, parameters),) = parse_extension(dict(request_head(client.request())[1])[NAME])
    server = ServerPerMessageDeflateFactory(server_takeover, client_takeover, server_bits, client_bits)
    response, theirs = server.process_request_params(parameters, [])
    accepted = outcome(client, [switching({NAME: build_extension([("permessage-deflate", response)])})])
    assert isinstance(accepted, Accepted), accepted
    ours = accepted.compression
    assert ours is not None
    assert ours.server_no_context_takeover == theirs.local_no_context_takeover
    assert ours.server_max_window_bits == theirs.local_max_window_bits
    assert ours.client_no_context_takeover or not theirs.remote_no_context_takeover
    assert ours.client_max_window_bits <= theirs.remote_max_window_bits


@given(DEFLATES)
def test_whatever_wsproto_agrees_to(offered: Deflate) -> None:
    def answer(server: WSConnection, request: Request) -> list[Event]:
        return [AcceptConnection(extensions=[PerMessageDeflate()])]

    client = handshake(compression=offered)
    accepted = outcome(client, [answered_by_wsproto(client, answer)])
    assert isinstance(accepted, Accepted), accepted
    assert accepted.compression == Agreement(
        offered.server_no_context_takeover,
        offered.client_no_context_takeover,
        offered.server_max_window_bits,
        offered.client_max_window_bits,
    )


def test_a_server_may_decline() -> None:
    for headers in ({}, {NAME: ""}, {NAME: " , "}):
        accepted = outcome(asked(compression=Deflate(server_no_context_takeover=True)), [switching(headers)])
        assert isinstance(accepted, Accepted)
        assert accepted.compression is None


@pytest.mark.parametrize(
    ("value", "settings", "agreed"),
    [
        ("permessage-deflate", {}, Agreement()),
        (" permessage-deflate ;server_no_context_takeover , ", {}, Agreement(server_no_context_takeover=True)),
        ("permessage-deflate; client_no_context_takeover", {}, Agreement(client_no_context_takeover=True)),
        ("permessage-deflate; server_max_window_bits=8", {}, Agreement(server_max_window_bits=8)),
        ("permessage-deflate; server_max_window_bits=10", {"server_max_window_bits": 11}, Agreement(False, False, 10)),
        ('permessage-deflate; client_max_window_bits="9"', {}, Agreement(client_max_window_bits=9)),
        ("permessage-deflate; client_max_window_bits=8", {}, Agreement(client_max_window_bits=8)),
        ("permessage-deflate; client_max_window_bits=15", {}, Agreement()),
        # What we said of ourselves binds us, though the server does not repeat it.
        ("permessage-deflate", {"client_no_context_takeover": True}, Agreement(client_no_context_takeover=True)),
        ("permessage-deflate", {"client_max_window_bits": 12}, Agreement(client_max_window_bits=12)),
    ],
)
def test_answers_that_are_taken(value: str, settings: dict[str, Any], agreed: Agreement) -> None:
    assert agreement(value, **settings) == agreed


@pytest.mark.parametrize(
    ("value", "settings", "telling"),
    [
        ("x-webkit-deflate-frame", {}, "not offered: x-webkit-deflate-frame"),
        ("permessage-deflate, bbf-usp-protocol", {}, "not offered: bbf-usp-protocol"),
        ("PERMESSAGE-DEFLATE", {}, "not offered: PERMESSAGE-DEFLATE"),
        ("permessage-deflate, permessage-deflate", {}, "permessage-deflate twice"),
        ("permessage-deflate; mux", {}, "not offered: 'mux'"),
        ("permessage-deflate; mux=1", {}, "not offered: 'mux=1'"),
        ("permessage-deflate;", {}, "not offered: ''"),
        ("permessage-deflate; Server_no_context_takeover", {}, "not offered: 'Server_no_context_takeover'"),
        (
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            {},
            "server_no_context_takeover twice",
        ),
        ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", {}, "server_max_window_bits twice"),
        ("permessage-deflate; server_no_context_takeover=1", {}, "server_no_context_takeover a value, '1'"),
        ("permessage-deflate; client_no_context_takeover=", {}, "client_no_context_takeover a value, ''"),
        ("permessage-deflate; server_max_window_bits", {}, "server_max_window_bits the value ''; 8 to 15"),
        ("permessage-deflate; client_max_window_bits", {}, "client_max_window_bits the value ''; 8 to 15"),
        ("permessage-deflate; client_max_window_bits=", {}, "client_max_window_bits the value ''; 8 to 15"),
        ("permessage-deflate; server_max_window_bits=7", {}, "server_max_window_bits the value '7'; 8 to 15"),
        ("permessage-deflate; server_max_window_bits=16", {}, "server_max_window_bits the value '16'; 8 to 15"),
        ("permessage-deflate; server_max_window_bits=010", {}, "server_max_window_bits the value '010'; 8 to 15"),
        ("permessage-deflate; server_max_window_bits=+9", {}, r"server_max_window_bits the value '\+9'; 8 to 15"),
        ("permessage-deflate; server_max_window_bits=ten", {}, "server_max_window_bits the value 'ten'; 8 to 15"),
        ('permessage-deflate; server_max_window_bits="', {}, "server_max_window_bits the value"),
        ("permessage-deflate", {"server_no_context_takeover": True}, "does not grant server_no_context_takeover"),
        ("permessage-deflate", {"server_max_window_bits": 14}, "server_max_window_bits the value 15; at most 14"),
        (
            "permessage-deflate; server_max_window_bits=12",
            {"server_max_window_bits": 11},
            "server_max_window_bits the value 12; at most 11",
        ),
        (
            "permessage-deflate; client_max_window_bits=13",
            {"client_max_window_bits": 12},
            "client_max_window_bits the value 13; at most 12",
        ),
    ],
)
def test_answers_that_are_refused_by_name(value: str, settings: dict[str, Any], telling: str) -> None:
    failure = answered(value, **settings)
    assert isinstance(failure, Failure), failure
    assert (failure.cause, failure.status) == (Cause.HANDSHAKE, 101)
    with pytest.raises(AssertionError, match=telling):
        raise AssertionError(str(failure))


def test_the_list_may_stand_in_several_headers() -> None:
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), (NAME, "permessage-deflate"), (NAME, "other")]
    accept = next(value for name, value in request_head(switching())[1] if name == "Sec-WebSocket-Accept")
    answer = http("101 Switching Protocols", [*fields, ("Sec-WebSocket-Accept", accept)])
    failure = outcome(asked(compression=Deflate()), [answer])
    assert isinstance(failure, Failure)
    assert "not offered: other" in failure.detail


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40), st.booleans())
def test_no_answer_raises(value: str, behind: bool) -> None:
    answer = answered("permessage-deflate; " + value if behind else value)
    assert isinstance(answer, Accepted | Failure)
