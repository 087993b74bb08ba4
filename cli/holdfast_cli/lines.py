"""Messages and events as lines."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import fields

from holdfast import Closed, ConnectFailed, Connecting, Event, Failure, PongReceived
from holdfast.phrases import describe

LINE_ENDS = str.maketrans("\n\r", "  ")


def message_line(message: str | bytes) -> bytes:
    """One message as one line: text in UTF-8, binary in base64.

    Line ends inside a text become spaces. JSON means the same afterwards: there they are white space between tokens
    (RFC 8259 section 2), and never stand unescaped in a string.
    """
    if isinstance(message, str):
        return message.translate(LINE_ENDS).encode() + b"\n"
    return b64encode(message) + b"\n"


# Told by what follows, by the error that ends the command, or of no interest to most.
_UNTOLD = (Connecting, ConnectFailed, PongReceived, Closed)


def state_line(event: Event) -> bytes | None:
    """A short line for people, or None for what only `--events` shows."""
    return f"holdfast: {describe(event)}\n".encode(errors="replace") if not isinstance(event, _UNTOLD) else None


# Headers and bodies of answers may hold cookies and other secrets; `final` shows in what follows.
_PRIVATE = frozenset({"headers", "body", "final"})


def event_line(event: Event) -> bytes:
    """Any event as a JSON object: its name, and its fields without the headers of answers."""
    return json.dumps({"event": type(event).__name__, **public_fields(event)}).encode() + b"\n"


def public_fields(value: Event | Failure) -> dict[str, object]:
    """Those that may be shown, with failures in words."""
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.name not in _PRIVATE}


def _plain(value: object) -> object:
    if isinstance(value, Failure):
        return {**public_fields(value), "cause": value.cause.value, "text": str(value)}
    return value
