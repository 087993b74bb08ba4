"""The frames that clients send nearly always, read and written without wsproto, which takes many times as long.

Whatever is not of these is wsproto's.
"""

from __future__ import annotations

from wsproto.events import Event, Ping, Pong, TextMessage

from holdfast.wire.frames import FIN, PING, PONG, TEXT, server_frame
from holdfast.wire.loops import xor_masked

_MASKED = 0x80
_HEAD = 6  # bytes before a payload of less than 126 bytes
_SHORT = 125
_TEXT, _PING, _PONG = FIN | TEXT, FIN | PING, FIN | PONG
_PLAIN = (_TEXT, _PING, _PONG)


def plain_events(data: bytes) -> list[Event] | None:
    """What a client's bytes say, if they are whole texts, pings and pongs, short and uncompressed; else None."""
    events: list[Event] = []
    at = 0
    while at < len(data):
        first = data[at]
        if first not in _PLAIN or at + _HEAD > len(data) or not _MASKED <= data[at + 1] <= _MASKED + _SHORT:
            return None
        begin = at + _HEAD
        at = begin + data[at + 1] - _MASKED
        if at > len(data):
            return None
        payload = xor_masked(data[begin:at], data[begin - 4 : begin], at - begin)
        if first != _TEXT:
            events.append(Ping(payload) if first == _PING else Pong(payload))
            continue
        try:
            events.append(TextMessage(payload.decode()))
        except UnicodeDecodeError:
            return None
    return events


def plain_frame(event: Event) -> bytes | None:
    """The bytes of a server's text, ping or pong, as wsproto without extensions makes them; None for anything else."""
    if type(event) is TextMessage:
        return server_frame(TEXT, event.data.encode())
    if type(event) is Ping:
        return server_frame(PING, bytes(event.payload))
    return server_frame(PONG, bytes(event.payload)) if type(event) is Pong else None
