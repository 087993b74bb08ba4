"""The user of a feed with streams: wants some, wants some no more, and waits until they are there."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Coroutine, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import coroutine
from typing import TYPE_CHECKING, Any, cast

from holdfast import ConfigError, Event, FeedClosed, GaveUp, ShardEnded, StreamRefused, Subscribed
from holdfast.driver import Driver
from holdfast.feed import Feed
from holdfast.testing.world import Machine, Observer

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_PATIENCE = 30.0  # seconds


class _Hand:
    """As much of a driver as `Feed.subscribed` needs: it can be looked after at any time, and never blocks."""

    def __init__(self, voyage: Voyage) -> None:
        self._voyage = voyage
        self.fleet = voyage.fleet

    def now(self) -> float:
        return self._voyage.now

    def tell(self, level: int, line: str) -> None:
        raise AssertionError(f"nobody gave a callback, and yet: {line}")

    def settle(self) -> None:
        if (roster := self._voyage.roster) is not None:
            roster.update()
        self._voyage.process.settle()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await _once()


@coroutine
def _once() -> Generator[None, None, None]:
    yield


@dataclass
class Wait:
    """One `subscribed(timeout)`. `outcome`: None for success, else what it raised; `ended_at`: None while it lasts."""

    streams: tuple[str, ...]
    until: float
    coroutine: Coroutine[Any, Any, None]
    ended_at: float | None = None
    outcome: Exception | None = None


class User(Observer):
    """`wanted` is what should be subscribed to; `changed` when the user last changed each stream's mind."""

    def __init__(self, voyage: Voyage) -> None:
        self.wanted: dict[str, None] = dict.fromkeys(voyage.plan.wanted)
        self.changed: dict[str, float] = {}
        self.absent: dict[str, list[list[float]]] = {}  # from when to when (of the acknowledgement) it was not wanted
        self.waits: list[Wait] = []
        self.on_ended: Callable[[Wait], None] = lambda wait: None
        self.on_no_room: Callable[[Collection[str]], None] = lambda streams: None
        self._voyage = voyage
        self._feed: Feed[Any] = Feed(cast("Driver[Any]", _Hand(voyage)))
        self._looking = False

    @property
    def can_act(self) -> bool:
        """Not while the process stalls, nor when the feed has ended by itself."""
        return self._voyage.process.awake_at < self._voyage.now and self._voyage.fleet.ended is None

    def subscribe(self, *streams: str) -> None:
        """Where there is no room for all of them, nothing changes."""
        now, before = self._voyage.now, (self.wanted.copy(), self.changed.copy())
        self.wanted.update(dict.fromkeys(streams))
        self.changed.update(dict.fromkeys(streams, now))
        try:
            self._feed.subscribe(*streams)
        except ConfigError:
            self.wanted, self.changed = before
            self.on_no_room(streams)
            return
        states = self._feed.streams
        self._is_back((stream for stream in streams if states[stream] == "subscribed"), now)  # it had not been dropped

    def unsubscribe(self, *streams: str) -> None:
        self._lose(streams, self._voyage.now)
        self._feed.unsubscribe(*streams)

    def wait(self, *streams: str, seconds: float) -> None:
        waiting = self._feed.subscribed(*streams, timeout=seconds)
        self.waits.append(Wait(streams, self._voyage.now + seconds, waiting))
        self._look()

    def resync(self, stream: str | None) -> None:
        """New snapshots, of this stream or of all; of what cannot have one, the feed says so."""
        with suppress(ConfigError):
            self._feed.resync(*(() if stream is None else (stream,)))

    def on_event(self, event: Event) -> None:
        """What is acknowledged is there again, if it was wanted no more for a while."""
        if isinstance(event, Subscribed):
            self._is_back(event.streams, event.at)
        elif isinstance(event, ShardEnded):
            self._lose(event.streams, event.at)
            self._voyage.later(_PATIENCE, lambda: self._want_again(event.streams))

    def _want_again(self, streams: tuple[str, ...]) -> None:
        """Of a shard that gave up: its reasons may be of the past."""
        if self.can_act:
            self.subscribe(*(stream for stream in streams if stream not in self.wanted))
        else:
            self._voyage.later(_PATIENCE, lambda: self._want_again(streams))

    def _lose(self, streams: Iterable[str], now: float) -> None:
        """They are not wanted any more."""
        for stream in streams:
            self.changed[stream] = now
            if stream in self.wanted:
                del self.wanted[stream]
                absences = self.absent.setdefault(stream, [])
                if not absences or absences[-1][1] < math.inf:
                    absences.append([now, math.inf])

    def _is_back(self, streams: Iterable[str], at: float) -> None:
        for stream in streams:
            absences = self.absent.get(stream)
            if stream in self.wanted and absences and absences[-1][1] == math.inf:
                absences[-1][1] = at

    def had_left(self, stream: str, at: float) -> bool:
        """Whether the user may not have had that stream then, by his own wish."""
        return any(since <= at <= until for since, until in self.absent.get(stream, ()))

    def left_between(self, stream: str, since: float, until: float) -> bool:
        """The same, at any time in between."""
        return any(left <= until and back >= since for left, back in self.absent.get(stream, ()))

    def on_settled(self, machine: Machine, now: float) -> None:
        if self.waits:
            self._look()

    def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        for wait in self.waits:
            try:
                wait.coroutine.send(None)
            except StopIteration:
                wait.ended_at = self._voyage.now
            except (StreamRefused, TimeoutError, FeedClosed, GaveUp, ConfigError) as error:
                wait.ended_at, wait.outcome = self._voyage.now, error
        ended = [wait for wait in self.waits if wait.ended_at is not None]
        self.waits = [wait for wait in self.waits if wait.ended_at is None]
        self._looking = False
        for wait in ended:
            self.on_ended(wait)
