"""The gap ledger: what may have been lost, until it is declared, and what was declared lately."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from holdfast.events import Event, Gap
from holdfast.failures import Failure
from holdfast.supervisor.tally import Tally

Loss = tuple[float, Failure]  # since when, and why
_REMEMBERED = 1000


class Outlet(Protocol):
    """Whom gaps are told."""

    def emit(self, event: Event) -> None:
        """An event, behind all that was delivered."""


class Ledger:
    """Of one feed. A loss is open until the first connection that brings messages again; for a stream that this one is
    acknowledged for later, until then.
    """

    __slots__ = (
        "_all",
        "_declared",
        "_outlet",
        "_streams",
        "_tally",
        "recent",
    )

    def __init__(self, outlet: Outlet, tally: Tally) -> None:
        self.recent: list[Gap] = []
        self._outlet = outlet
        self._tally = tally
        self._all: Loss | None = None  # of every stream
        self._streams: dict[str, Loss] = {}  # of single ones, in the order in which they were lost
        self._declared = (0.0, 0.0)  # since when and until when, of the latest gap in everything

    def lost(self, since: float, failure: Failure, streams: Iterable[str]) -> None:
        """No connection brings anything. `streams`: all that are wanted."""
        if self._all is not None:  # none of the last one's losses was made good yet
            since = min(since, self._all[0])
        self._all = (since, failure)
        for stream in streams:
            earlier = self._streams.get(stream)
            self._streams[stream] = (since if earlier is None else min(since, earlier[0]), failure)

    def lost_stream(self, stream: str, since: float, failure: Failure) -> None:
        """No connection brings this one."""
        self._streams.setdefault(stream, (since, failure))

    def forget(self, streams: Iterable[str]) -> None:
        """Nobody wants these."""
        for stream in streams:
            self._streams.pop(stream, None)

    def forget_all(self) -> None:
        """Nobody wants any."""
        self._all = None
        self._streams.clear()

    def covered(self, streams: Iterable[str], now: float) -> None:
        """A connection brings these again; none is named for a feed without a dialect."""
        self.settle(now)
        for stream in streams:
            loss = self._streams.pop(stream, None)
            if loss is not None and (now > self._declared[1] or loss[0] < self._declared[0]):
                self.declare(Gap(now, loss[0], now, loss[1], stream=stream))

    def settle(self, now: float) -> None:
        """Declare what everything has lost, if it has."""
        if self._all is not None:
            since, failure = self._all
            self._all, self._declared = None, (since, now)
            self.declare(Gap(now, since, now, failure))

    def declared_until(self, now: float, stream: str) -> bool:
        """Whether a gap of this stream ended just now."""
        for gap in reversed(self.recent):
            if gap.at < now:
                return False
            if gap.stream in (None, stream) and gap.until == now and gap.filled_by is None:
                return True
        return False

    def declare(self, gap: Gap) -> None:
        """Into the feed, behind all that was delivered."""
        self._tally.declared(gap)
        self.remember(gap)
        self._outlet.emit(gap)

    def remember(self, gap: Gap) -> None:
        """Among the recent ones, without a word to the consumer."""
        self.recent.append(gap)
        del self.recent[:-_REMEMBERED]
