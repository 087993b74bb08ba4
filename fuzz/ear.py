"""What a feed of streams hears and asks, by connection: all that is said is still whole here, and not yet judged."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast
from unittest.mock import patch

from fuzz.dialect import Spoken
from holdfast import Update
from holdfast.commands import Command, Write
from holdfast.dialects.words import Reading
from holdfast.supervisor.above import Readings
from holdfast.supervisor.streams import Streams
from holdfast.testing.world import Observer

_RSV1 = 0x40
_R = TypeVar("_R", bound=Reading)


class Ear(Observer):
    """Times by stream, and by connection and stream: of the latest message (`heard`, `heard_on`), of the latest request
    (`asked`), and of the first request since the last answer (`waiting`). `messages`, `messages_on`: how many there
    were. `last`, `last_on`: when there was one at all. `conn`: the connection that is being read.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.conn = 0
        self.heard: dict[str, float] = {}
        self.heard_on: dict[tuple[int, str], float] = {}
        self.messages: Counter[str] = Counter()
        self.messages_on: Counter[tuple[int, str]] = Counter()
        self.last = 0.0
        self.last_on: dict[int, float] = {}
        self.asked: dict[tuple[int, str], float] = {}
        self.waiting: dict[tuple[int, str], float] = {}
        self.on_ask: list[Callable[[int, Sequence[str]], None]] = []  # told of streams that are subscribed to
        self.holes: list[tuple[int, int]] = []  # the first and the last number that is missing; who looks, takes them
        self._positions: dict[int, int] = {}
        self._written = Frames()

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        self.conn = conn

    def on_command(self, command: Command, now: float) -> None:
        if not isinstance(command, Write) or command.data.startswith(b"GET "):
            return
        for _, payload in self._written.of(command):
            if payload.startswith((b'{"sub"', b'{"unsub"')):
                self._ask(command.conn, cast("dict[str, Any]", json.loads(payload)), now)

    def hear(self, update: Update) -> None:
        """A message of the connection that is being read."""
        conn, stream = self.conn, update.stream
        self.last = self.last_on[conn] = now = self.clock()
        if stream is not None:
            self.heard[stream] = self.heard_on[conn, stream] = now
            self.messages[stream] += 1
            self.messages_on[conn, stream] += 1

    def count(self, position: int) -> None:
        """The number of what is being read."""
        before = self._positions.get(self.conn)
        if before is not None and position > before + 1:
            self.holes.append((before + 1, position - 1))
        self._positions[self.conn] = position

    def asked_lately(self, stream: str) -> float:
        """When it was asked for last, on any connection."""
        return max((at for (_, name), at in self.asked.items() if name == stream), default=0.0)

    def forget(self, conn: int) -> None:
        """It is gone."""
        self._positions.pop(conn, None)
        for times in (self.heard_on, self.messages_on, self.asked, self.waiting):
            for key in [key for key in times if key[0] == conn]:
                del times[key]

    def _ask(self, conn: int, told: dict[str, Any], now: float) -> None:
        streams = cast("list[str]", told.get("sub") or told.get("unsub"))
        for stream in streams:
            self.asked[conn, stream] = now
            self.waiting.setdefault((conn, stream), now)
        if "sub" in told:
            for call in self.on_ask:
                call(conn, streams)


@dataclass(frozen=True)
class Overheard(Spoken):
    """The same dialect, with an ear."""

    ear: Ear = field(default_factory=lambda: Ear(lambda: 0.0))

    @classmethod
    def by(cls, ear: Ear, spoken: Spoken) -> Overheard:
        return cls(**{one.name: getattr(spoken, one.name) for one in fields(Spoken)}, ear=ear)

    def read(self, message: str | bytes) -> Reading:
        return self.tell(Spoken.read(self, message))

    def tell(self, reading: _R) -> _R:
        if isinstance(reading, Update):
            self.ear.hear(reading)
        if self.limits.counts and (position := getattr(reading, "position", None)) is not None:
            self.ear.count(position)
        return reading


class _Known(dict[str | bytes, Update]):
    """What another connection brought, for which the dialect is not asked again: the ear is told all the same."""

    def __init__(self, dialect: Overheard, readings: Readings) -> None:
        super().__init__()
        self._dialect = dialect
        self._readings = readings

    def __contains__(self, text: object) -> bool:
        return text in self._readings

    def __setitem__(self, text: str | bytes, update: Update) -> None:
        self._readings[text] = update

    def pop(self, text: str | bytes) -> Update:  # type: ignore[override]  # all that is asked for
        return self._dialect.tell(self._readings.pop(text))


@contextmanager
def overhearing() -> Iterator[None]:
    """Whatever connection brings a message, the ear is told."""
    original: Any = Streams.read

    def read(self: Streams, texts: object, readings: Readings | None, *rest: object) -> object:
        if readings is not None and isinstance(self._dialect, Overheard):
            readings = _Known(self._dialect, readings)
        return original(self, texts, readings, *rest)

    with patch.object(Streams, "read", read):
        yield


class Frames:
    """What a client writes, frame by frame: first byte and payload, unmasked and inflated."""

    def __init__(self) -> None:
        self._inflaters: dict[int, Any] = {}

    def of(self, write: Write) -> Iterator[tuple[int, bytes]]:
        data, at = write.data, 0
        while at < len(data):
            length, begin = data[at + 1] & 0x7F, at + 6
            if length == 126:
                length, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
            elif length == 127:
                length, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 14
            mask = data[begin - 4 : begin]
            payload = bytes(one ^ mask[place % 4] for place, one in enumerate(data[begin : begin + length]))
            if data[at] & _RSV1:
                inflater = self._inflaters.get(write.conn) or self._inflaters.setdefault(
                    write.conn, zlib.decompressobj(-15)
                )
                payload = inflater.decompress(payload + b"\x00\x00\xff\xff")
            yield data[at], payload
            at = begin + length
