"""Messages of OKX: data told by its first characters; whatever else, by a parse."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from holdfast.dialects.channels import Channel, ChannelUpdate, as_object, parsed_or_none, text_in, whole
from holdfast.dialects.okx.streams import channel, name_of
from holdfast.dialects.words import Acknowledged, Heartbeat, ModelReader, Notice, Reading, Refused, Update

_HEAD, _ARGUMENT_AT = '{"arg":{', len('{"arg":')
_LONGEST_HEAD = 200  # characters; instruments have about 30
_GOING_AWAY = "64008"  # "The connection will soon be closed for a service upgrade", 60 s before
# Requests that are too many, and faults of OKX's own: the request is lost, and nothing is wrong with its streams.
_PASSING = {"60014", "50011", "63999", "64007"}
# A refusal names its channel in words only: "Wrong URL or channel:tickers,instId:BTC-NOPE doesn't exist. ...".
_IN_WORDS = re.compile(r"channel:([^,\s]+)(?:,inst(?:Id|Type|Family):([^,\s]+))?")


class OkxUpdate(ChannelUpdate):
    """`json()` is the list under `data`. Of books `message["action"]` tells whether it is a `snapshot` or an `update`.
    Numbers are text, times in it milliseconds.
    """

    __slots__ = ()

    @classmethod
    def model_reader(cls, stream: str) -> ModelReader:
        from holdfast.dialects.okx.typed import model_reader

        return model_reader(stream)


def read(message: str | bytes) -> Reading:
    """What a message is. Raises nothing; what makes no sense is an Update of stream None."""
    if isinstance(message, str):
        if message.startswith(_HEAD):
            end = message.find("}", _ARGUMENT_AT, _LONGEST_HEAD) + 1
            if end and message.startswith((',"data":[', ',"action":"'), end):
                known = _known(message[_ARGUMENT_AT:end])
                if known is not None:
                    return OkxUpdate(known[0], message, known[1])
        elif message == "pong":  # no JSON
            return Heartbeat()
    return _make_sense_of(message)


@lru_cache(8192)
def _known(given: str) -> tuple[str, Channel] | None:
    """The stream of an `arg`, from its text."""
    try:
        name = name_of(as_object(json.loads(given)))
    except (ValueError, RecursionError):
        return None
    return (name, channel(name)) if name is not None else None


def _make_sense_of(message: str | bytes) -> Reading:
    parsed = as_object(parsed_or_none(message))
    request = whole(parsed.get("id"))
    stream = name_of(as_object(parsed.get("arg")))
    event, code, said = parsed.get("event"), parsed.get("code"), text_in(parsed.get("msg")) or ""
    if event in ("subscribe", "unsubscribe"):
        return Acknowledged(request, (stream,) if stream else None, dropped=event == "unsubscribe")
    if event == "error":
        reason = f"{said} (code {code})" if said else f"code {code}"
        return Notice(reason) if str(code) in _PASSING else Refused(reason, request, _meant(said))
    if event == "notice":
        return Notice(said, going_away=code == _GOING_AWAY)
    if stream is not None and "data" in parsed:
        return OkxUpdate(stream, message, channel(stream))
    return Update(None, message)


def _meant(said: str) -> tuple[str, ...] | None:
    match = _IN_WORDS.search(said)
    if match is None:
        return None
    return (f"{match[1]}:{match[2]}" if match[2] else match[1],)
