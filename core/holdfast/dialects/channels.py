"""What services have in common that send JSON objects, and name a channel and an instrument: parts of their dialects.

A stream is called `channel:INSTRUMENT`, with what else matters after a dash: `book-10:BTC/USD`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from holdfast.dialects.words import Patience, Update, json_of
from holdfast.errors import ConfigError

Message = Any  # parsed JSON; what looks at it may raise what `WRONG_SHAPE` names
WRONG_SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_SCANNER = json.JSONDecoder()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATIENT = Patience()


@dataclass(frozen=True, eq=False)
class Channel:
    """What messages of one kind tell. Each function is given the whole message, parsed.

    `key`: what tells it from all others of its stream; None for its text. `time`: when it happened, Unix seconds.
    `chain`: the number before its first, None for a message that follows on nothing such as a snapshot, and its last:
    where the last number of an earlier message is the former, or lies between them, nothing was missed. It raises for a
    message that tells none. `proves`: whether a chain that does not close proves a loss; where it is only what
    everybody sees, and stands in no document, it does not. `exact`: every other number is a loss, also one that is
    greater than all of the message, because the service may begin to count anew.
    """

    key: Callable[[Message], Hashable] | None = None
    time: Callable[[Message], float] | None = None
    chain: Callable[[Message], tuple[int | None, int]] | None = None
    proves: bool = True
    exact: bool = False
    patience: Patience = PATIENT


UNKNOWN = Channel()


class ChannelUpdate(Update):
    """An update that is a JSON object, parsed once, when something of it is asked for."""

    __slots__ = ("_message", "channel")

    PAYLOAD = "data"

    def __init__(self, stream: str | None, text: str | bytes, channel: Channel = UNKNOWN) -> None:
        self.stream = stream
        self.text = text
        self.channel = channel

    @property
    def message(self) -> Message:
        """The whole message, parsed; None if it is not JSON."""
        try:
            return self._message
        except AttributeError:
            self._message: Message = parsed_or_none(self.text)
            return self._message

    @property
    def data(self) -> str | bytes:
        return text_of(self.text, self.PAYLOAD)

    def json(self) -> Any:
        message = as_object(self.message)
        return message[self.PAYLOAD] if self.PAYLOAD in message else json_of(self.text)

    @property
    def event_time(self) -> float | None:
        time = self._tell(self.channel.time)
        return time if isinstance(time, float) else None

    @property
    def key(self) -> Hashable:
        key = self._tell(self.channel.key)
        try:
            hash(key)
        except TypeError:  # a list where a number should be
            key = None
        return self.text if key is None else key

    def joins(self, previous: Update) -> bool | None:
        if not isinstance(previous, ChannelUpdate):
            return None
        mine, earlier = self._tell(self.channel.chain), previous._tell(previous.channel.chain)
        if mine is None or earlier is None or mine[0] is None:
            return None
        before, last, joint = mine[0], mine[1], earlier[1]
        try:
            closed = before == joint or joint == last or before < joint < last
            open_ = self.channel.exact or before > joint
        except TypeError:
            return None
        if closed:
            return True
        return False if open_ and self.channel.proves else None

    @property
    def sequence(self) -> tuple[int, int] | None:
        """Of a message that follows on nothing, such as a snapshot, twice the last."""
        chain = self._tell(self.channel.chain)
        if chain is None or type(chain[1]) is not int:
            return None
        before, last = chain
        return (last if type(before) is not int else before + 1, last)

    def _tell(self, what: Callable[[Message], Any] | None) -> Any:
        """What a function of the channel finds, None if the message is not as documented."""
        if what is None:
            return None
        try:
            return what(self.message)
        except WRONG_SHAPE:
            return None


def text_of(text: str | bytes, name: str) -> str | bytes:
    """The value that stands under the first field of this name, as it was sent; all of the text if there is none."""
    if isinstance(text, bytes):
        return text
    start = text.find(f'"{name}":')
    if start < 0:
        return text
    start += len(name) + 3
    while text.startswith((" ", "\t", "\n", "\r"), start):
        start += 1
    try:
        return text[start : _SCANNER.raw_decode(text, start)[1]]
    except (ValueError, RecursionError):
        return text


def parsed_or_none(text: str | bytes) -> Any:
    """None for what is not JSON."""
    try:
        return json_of(text)
    except (ValueError, RecursionError):
        return None


def as_object(value: Any) -> dict[str, Any]:
    """What is parsed, if it is an object; else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def first_in(value: object) -> dict[str, Any]:
    """The first of what is parsed, if it is a list and that is an object; else an empty one."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return as_object(items[0]) if items else {}


def text_in(value: Any) -> str | None:
    """What is parsed, if it is text and not empty."""
    return value if isinstance(value, str) and value else None


def whole(value: object) -> int | None:
    """A number from 0, which may be written as text, such as the number of a request that comes back."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def compact(value: object) -> str:
    """JSON without spaces: what a request is sent as."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def unix_time(text: str) -> float:
    """Of a time by RFC 3339, in UTC, with any number of digits of a second. Raises ValueError, or TypeError for one
    without a zone.
    """
    return (datetime.fromisoformat(text) - _EPOCH).total_seconds()


def batched(streams: Sequence[str], group: Callable[[str], str], most: int) -> Iterator[Sequence[str]]:
    """In batches of at most so many, each of one group, in order of the first of each group."""
    groups: dict[str, list[str]] = {}
    for stream in streams:
        groups.setdefault(group(stream), []).append(stream)
    for members in groups.values():
        for start in range(0, len(members), most):
            yield members[start : start + most]


def parted(stream: str) -> tuple[str, str]:
    """`channel:INSTRUMENT`, with an empty instrument where there is none."""
    channel, _, instrument = stream.partition(":")
    return channel, instrument


def channel_of(stream: str, channels: Iterable[str], service: str, example: str) -> tuple[str, str]:
    """The parts of a name whose channel is one of these. Raises ConfigError, and says what would be right."""
    channels = tuple(channels)
    channel, instrument = parted(stream)
    if channel in channels:
        return channel, instrument
    by_lower_case = {name.lower(): name for name in channels}
    advice = f"{service} has no such channel; write a stream as {example!r}; channels are {', '.join(channels)}"
    if channel.upper() == channel and instrument.lower() in by_lower_case:
        advice = f"write the channel first: {by_lower_case[instrument.lower()]}:{channel}"
    elif right := by_lower_case.get(channel.lower()):
        advice = f"{service} writes {right!r}: {right}{':' if instrument else ''}{instrument}"
    raise ConfigError(f"{stream!r}: {advice}")
