"""What sinks get: messages and events as lines of JSON.

    {"feed":"trades","at":1763740800.123456,"stream":"btcusdt@trade","data":{...}}
    {"feed":"trades","at":1763740801.5,"event":"Gap","since":...,"until":...,"cause":{...},...}

Times are Unix seconds; that of a message is when it was taken from the feed.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from holdfast import Event, Update
from holdfast_cli.lines import LINE_ENDS, public_fields

# NaN and Infinity are no JSON, whatever Python makes of them: `int` raises ValueError.
_without_msgspec: Callable[[str], object] = json.JSONDecoder(parse_constant=int).decode
_check_json = _without_msgspec
with suppress(ImportError):
    import msgspec

    _check_json = msgspec.json.Decoder(msgspec.Raw).decode

_TIMES = ("at", "since", "until")


class Lines:
    """Those of one feed."""

    def __init__(self, feed: str) -> None:
        self._head = f'{{"feed":{json.dumps(feed)},"at":'
        self._streams: dict[str | None, str] = {}  # what stands between the time and the payload, by stream

    def message(self, message: str | bytes | Update, at: float) -> bytes:
        """`data`: the payload, where it is JSON, else `text`; `base64` for what is no text.

        Line ends inside JSON are white space between tokens (RFC 8259 section 2), and become spaces.
        """
        if isinstance(message, Update):
            middle = self._streams.get(message.stream) or self._middle(message.stream)
            given = message.data if message.stream is not None else message.text
        else:
            middle, given = ",", message
        try:
            payload = given.decode() if isinstance(given, bytes) else given
        except UnicodeDecodeError as error:
            return f'{self._head}{at:.6f}{middle}"base64":"{b64encode(error.object).decode()}"}}\n'.encode()
        try:
            _check_json(payload)
        except (ValueError, RecursionError):
            return f'{self._head}{at:.6f}{middle}"text":{json.dumps(payload)}}}\n'.encode()
        return f'{self._head}{at:.6f}{middle}"data":{payload.translate(LINE_ENDS)}}}\n'.encode()

    def event(self, event: Event, wall_offset: float) -> bytes:
        """`wall_offset`: Unix time minus the clock of events."""
        told: dict[str, Any] = {"event": type(event).__name__, **public_fields(event)}
        for name in _TIMES:
            if name in told:
                told[name] = round(told[name] + wall_offset, 6)
        return self._told(told.pop("at"), told)

    def note(self, event: str, at: float, **told: object) -> bytes:
        """What is no event of the feed, in the same shape."""
        return self._told(at, {"event": event, **told})

    def _told(self, at: float, told: dict[str, Any]) -> bytes:
        body = json.dumps(told, default=str, separators=(",", ":"))
        return f"{self._head}{at:.6f},{body[1:]}\n".encode()

    def _middle(self, stream: str | None) -> str:
        middle = "," if stream is None else f',"stream":{json.dumps(stream)},'
        if len(self._streams) < 100_000:  # servers choose these words
            self._streams[stream] = middle
        return middle
