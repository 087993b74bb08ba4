"""What is published when: every stream at its own steady rate, whether or not anybody listens."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from heapq import heapify, heapreplace

from holdfast.errors import ConfigError
from holdfast.testing.ledger import Publication


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream by the name under which it is asked for, with its messages per second."""

    name: str
    rate: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"Stream({self.name!r}).rate = {self.rate!r}: must be a finite number greater than 0")


class Market:
    """The schedule of all publications, in order of time. Sequence numbers count from 1 in each stream.

    Those that are `silent` publish nothing; the others keep the times that they would have without it.
    """

    def __init__(self, streams: Iterable[Stream], silent: Collection[str] = ()) -> None:
        self.streams = tuple(streams)
        names = [stream.name for stream in self.streams]
        if len(set(names)) != len(names):
            raise ConfigError(f"streams {names!r} repeat a name: each stream is one series of messages")
        self._index = {name: index for index, name in enumerate(names)}
        self._silent = frozenset(silent)
        self._opened_at = 0.0
        self._queue: list[tuple[float, int, int]] = []  # (due, index of the stream, sequence number)

    def open(self, now: float) -> None:
        """Begin: the first message of each stream comes within 1 / rate seconds."""
        self._opened_at = now
        self._queue = [
            (self._due(index, 1), index, 1) for name, index in self._index.items() if name not in self._silent
        ]
        heapify(self._queue)

    def close(self) -> None:
        """Publish nothing more."""
        self._queue = []

    def next_due(self) -> float:
        """When the next message is published: seconds, inf for never."""
        return self._queue[0][0] if self._queue else math.inf

    def due(self, stream: str, sequence: int) -> float:
        """When that message of a stream is due: seconds, inf for never."""
        if stream in self._silent:
            return math.inf
        return self._due(self._index[stream], sequence)

    def publish(self) -> Publication:
        """The next message; only while `next_due` is finite."""
        due, index, sequence = self._queue[0]
        heapreplace(self._queue, (self._due(index, sequence + 1), index, sequence + 1))
        return Publication(self.streams[index].name, sequence, due)

    def _due(self, index: int, sequence: int) -> float:
        # The phase keeps streams of one rate from publishing in the same instant. A product, not a running sum:
        # rounding must not add up over days.
        phase = index / len(self.streams)
        return self._opened_at + (sequence - phase) / self.streams[index].rate
