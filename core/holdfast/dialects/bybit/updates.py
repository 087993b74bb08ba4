"""Messages of Bybit v5: data, told by its topic; answers to requests, in the forms of the categories."""

from __future__ import annotations

import re
from typing import Any, cast

from holdfast.dialects.channels import ChannelUpdate, as_object, parsed_or_none, text_in, whole
from holdfast.dialects.words import Acknowledged, Control, Heartbeat, ModelReader, Refused


class BybitUpdate(ChannelUpdate):
    """`json()` is what stands under `data`. `message["type"]` tells whether it is a `snapshot` or a `delta`; of trades,
    candles and liquidations it says `snapshot`, though they are none.
    """

    __slots__ = ()
    INVERSE = False

    @classmethod
    def model_reader(cls, stream: str) -> ModelReader:
        from holdfast.dialects.bybit.typed import model_reader

        return model_reader(stream, inverse=cls.INVERSE)


class InverseUpdate(BybitUpdate):
    """Of inverse contracts: sizes and volumes are in USD, turnover in the coin."""

    __slots__ = ()
    INVERSE = True


TOPIC = '{"topic":"'  # so a message begins
TOPIC_AT = len(TOPIC)
LONGEST = 90  # where a topic ends at the latest
_ID, _TOPIC_AFTER_ID = '{"id":"', '"topic":"'  # so begin those of options
_LONGEST_WITH_ID = 240
_NAMED = re.compile(r"topic:\s*([^\s,]+)", re.IGNORECASE)


def topic_after_id(message: str) -> str | None:
    """In the first characters; None where they are not those of an option."""
    if not message.startswith(_ID):
        return None
    at = message.find(_TOPIC_AFTER_ID, 0, _LONGEST_WITH_ID) + len(_TOPIC_AFTER_ID)
    end = message.find('"', at, _LONGEST_WITH_ID)
    return message[at:end] if len(_TOPIC_AFTER_ID) <= at < end and message.find("\\", at, end) < 0 else None


def make_sense_of(message: str | bytes) -> str | Control | None:
    """The topic of data, or what else it is; None for what makes no sense."""
    parsed = as_object(parsed_or_none(message))
    topic = text_in(parsed.get("topic"))
    if topic is not None:
        return topic
    if parsed.get("op") in ("ping", "pong"):  # of spot and contracts the answer says "ping", too
        return Heartbeat()
    if parsed.get("type") == "COMMAND_RESP":
        return _option_answer(parsed)
    if isinstance(parsed.get("success"), bool):
        return _answer(parsed)
    return None


def _answer(parsed: dict[str, Any]) -> Control | None:
    """A request is taken whole, or not at all; then the words name the first topic that is to blame."""
    request, kind = whole(parsed.get("req_id")), parsed.get("op")
    if parsed["success"]:
        taken = kind in ("subscribe", "unsubscribe")
        return Acknowledged(request, dropped=kind == "unsubscribe") if taken else None
    reason = text_in(parsed.get("ret_msg")) or "no reason given"
    named = _NAMED.search(reason)
    if named is None:
        return Refused(reason, request)
    if "already subscribed" in reason.lower():
        return Acknowledged(request, (named[1],), rest_again=True)
    return Refused(reason, request, (named[1],), rest_again=True)


def _option_answer(parsed: dict[str, Any]) -> Control:
    """It has no number, and does not say whether it was a subscription that was asked for."""
    told = as_object(parsed.get("data"))
    reason = text_in(parsed.get("ret_msg"))
    if failed := _texts(told.get("failTopics")):
        return Refused(reason or "among the failed topics", None, failed, rest_again=True)
    if parsed.get("success") is not True:
        return Refused(reason or "no reason given")
    return Acknowledged(None, _texts(told.get("successTopics")))


def _texts(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))
