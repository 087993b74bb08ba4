"""Messages and events as lines."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from holdfast import (
    Connected,
    Disconnected,
    Event,
    EventsDropped,
    Failure,
    Gap,
    Paused,
    Redirected,
    Resumed,
    RetryScheduled,
    Stale,
    Stall,
)

_LINE_ENDS = str.maketrans("\n\r", "  ")


def message_line(message: str | bytes) -> bytes:
    """One message as one line: text in UTF-8, binary in base64.

    Line ends inside a text become spaces. JSON means the same afterwards: there they are white space between tokens
    (RFC 8259 section 2), and never stand unescaped in a string.
    """
    if isinstance(message, str):
        return message.translate(_LINE_ENDS).encode() + b"\n"
    return b64encode(message) + b"\n"


# A failure is told once, by what follows from it: a retry here, or the error that ends the command.
_PHRASES: dict[type[Event], Callable[[Any], str]] = {
    Connected: lambda event: f"connected to {event.url} in {_seconds(event.took)}",
    Disconnected: lambda event: f"disconnected after {_seconds(event.lasted)}",
    RetryScheduled: lambda event: f"retry in {_seconds(event.delay)}, attempt {event.attempt}: {event.failure}",
    Redirected: lambda event: f"redirected to {event.url} (HTTP {event.status})",
    Gap: lambda event: f"gap of {_seconds(event.until - event.since)}: {_loss(event)}: {event.cause}",
    EventsDropped: lambda event: f"{event.count} events were left out here: the reader of this output rested for long",
    Stale: lambda event: f"stale: connected, and no message for {_seconds(event.silent)}",
    Stall: lambda event: f"stall: this process did not run for {_seconds(event.duration)}",
    Paused: lambda event: f"paused: {event.queued} bytes wait for a slow reader of this output",
    Resumed: lambda event: f"resumed: {event.queued} bytes wait",
}


def _seconds(duration: float) -> str:
    return f"{duration:.3g} s" if duration < 100 else f"{duration:.0f} s"


def _loss(gap: Gap) -> str:
    return f"{gap.dropped} messages were dropped" if gap.dropped else "messages may have been lost"


def state_line(event: Event) -> bytes | None:
    """A short line for people, or None for what only `--events` shows."""
    phrase = _PHRASES.get(type(event))
    return f"holdfast: {phrase(event)}\n".encode(errors="replace") if phrase else None


# Headers and bodies of answers may hold cookies and other secrets.
_PRIVATE = frozenset({"headers", "body"})


def event_line(event: Event) -> bytes:
    """Any event as a JSON object: its name, and its fields without the headers of answers."""
    return json.dumps({"event": type(event).__name__, **_public_fields(event)}).encode() + b"\n"


def _public_fields(value: Event | Failure) -> dict[str, object]:
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name not in _PRIVATE}


def _plain(value: object) -> object:
    if isinstance(value, Failure):
        return {**_public_fields(value), "cause": value.cause.value, "text": str(value)}
    return value
