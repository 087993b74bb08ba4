"""Events as lines, for people and as JSON."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

import holdfast
from holdfast import (
    Cause,
    Closed,
    Connected,
    ConnectFailed,
    Connecting,
    Disconnected,
    Event,
    Failure,
    Gap,
    PongReceived,
    RetryScheduled,
)
from holdfast_cli.lines import event_line, message_line, state_line

EVENTS = [
    one for one in vars(holdfast).values() if isinstance(one, type) and issubclass(one, Event) and one is not Event
]
UNTOLD = {Connecting, ConnectFailed, PongReceived, Closed}  # told by what follows, or of no interest to most
SECRET = Failure(Cause.HTTP, "slow down", status=429, headers=(("Set-Cookie", "pass123"),), body=b"pass123")
VALUES = {
    "streams": ("a",),
    "url": "wss://example.com/?token=***",
    "failure": SECRET,
    "cause": SECRET,
    "headers": (("a", "pass123"),),
}


def example(event: type[Event]) -> Event:
    """One of that kind; numbers are 1, which is also a conn, a count and a time."""
    return event(**{field.name: VALUES.get(field.name, 1) for field in fields(event)})


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_one_line_for_people_or_left_to_what_follows(event: type[Event]) -> None:
    line = state_line(example(event))
    if event in UNTOLD:
        assert line is None
    else:
        assert line is not None
        assert line.startswith(b"holdfast: ")
        assert line.count(b"\n") == 1


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_one_line_of_json_without_secrets(event: type[Event]) -> None:
    line = event_line(example(event))
    assert line.endswith(b"\n")
    told = json.loads(line)
    assert told["event"] == event.__name__
    assert set(told) == {"event", *(field.name for field in fields(event))} - {"headers"}
    assert b"pass123" not in line


def test_what_people_read() -> None:
    restart = Failure(Cause.CLOSED, code=1012)
    events = [
        Connected(0.0, 1, "wss://example.com/stream", 0.12125),
        Disconnected(3600.2, 1, restart, 3600.2),
        RetryScheduled(3600.2, 0.3881, 1, restart),
        Gap(3600.7, 3600.2, 3600.7, restart),
        Gap(3600.7, 3600.2, 3600.7, Failure(Cause.OVERFLOW), dropped=3),
    ]
    assert b"".join(filter(None, map(state_line, events))).decode() == (
        "holdfast: connected to wss://example.com/stream in 0.121 s\n"
        "holdfast: disconnected after 3600 s\n"
        "holdfast: closed by the server: 1012 (service restart), reconnecting in 0.388 s (attempt 1)\n"
        "holdfast: gap of 0.5 s: messages may have been lost: closed by the server: 1012 (service restart)\n"
        "holdfast: gap of 0.5 s: 3 messages were dropped: the consumer is too slow\n"
    )


def test_a_failure_in_json() -> None:
    told = json.loads(event_line(RetryScheduled(1.0, 0.5, 2, SECRET)))
    assert told == {
        "event": "RetryScheduled",
        "at": 1.0,
        "shard": None,
        "delay": 0.5,
        "attempt": 2,
        "failure": {
            "cause": "http",
            "detail": "slow down",
            "code": None,
            "status": 429,
            "text": "HTTP 429 Too Many Requests: slow down",
        },
    }


def test_line_ends_in_json_are_white_space_afterwards() -> None:
    value = {"a": ["line\nend", 1]}
    line = message_line(json.dumps(value, indent=2))
    assert line.count(b"\n") == 1
    assert json.loads(line) == value
