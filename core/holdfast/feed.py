"""What the user holds. The same class serves asyncio and trio: all that is awaited here comes from the driver."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from holdfast.callbacks import Callbacks, check_callback
from holdfast.checks import need, number
from holdfast.errors import (
    ConfigError,
    FeedClosed,
    GaveUp,
    HoldfastError,
    LocalProtocolError,
    NotOpen,
    RestartNeeded,
    StreamRefused,
)
from holdfast.events import Closed, Event, Gap, RecentEvent
from holdfast.stats import FeedStats, StreamStats
from holdfast.taken import Taken, taken_by

if TYPE_CHECKING:
    from holdfast.driver import Driver

M = TypeVar("M")  # what the messages are: `str | bytes`, or Update
_AT_ONCE = 1024  # items taken between two chances for other tasks to run


class Feed(Generic[M]):
    """A stream of messages that outlives its connections. Made by `open_feed`; valid inside its `async with`.

    Iterating gives messages only: `str` or `bytes`, or Updates of a Service. It ends after `close()`, and raises GaveUp
    when no retry can help. One task at a time may take from a feed; breaking off, at any point, loses nothing that was
    not yet given.
    """

    def __init__(self, driver: Driver[Any]) -> None:
        self._driver = driver
        self._fleet = driver.fleet
        self._taken: Taken[M] = taken_by(self._next_run)
        self._taking = False
        self._last: Closed | None = None
        self._callbacks: Callbacks | None = None  # of those who listen

    def __aiter__(self) -> AsyncIterator[M]:
        return self._taken

    async def __anext__(self) -> M:
        return await self._taken.__anext__()

    def items(self) -> AsyncIterator[M | Event]:
        """Messages and events, in order. Closed is the last; then it ends, or raises GaveUp."""
        return _Items(self)

    def batches(self) -> AsyncIterator[list[M]]:
        """Messages in lists, never empty, as they arrived together: less work per message."""
        return _Batches(self)

    async def listen(
        self, on_message: Callable[[M], object], on_event: Callable[[Event], object] | None = None
    ) -> None:
        """Call these for every message, and every event, in order, until the feed ends: returns after `close()`, and
        raises GaveUp when no retry can help.

        Plain functions, which nothing else of this loop runs beside; what they return is ignored. One that raises is
        told to the log with the message (its beginning), counted in `stats().callback_errors`, and stops nothing. To
        stop, close the feed, or cancel this. Raises ConfigError for what is no plain function.
        """
        check_callback("on_message", on_message)
        if on_event is not None:
            check_callback("on_event", on_event)
        self._callbacks = self._callbacks or Callbacks(self._driver)
        call = self._callbacks.call
        while True:
            call("on_message", on_message, self._taken)
            try:
                run = await self._next_run()
            except StopAsyncIteration:
                return
            if not isinstance(run, Event):
                self._taken.put(run)
            elif on_event is not None:
                call("on_event", on_event, iter((run,)))

    async def send(self, message: str | bytes, *, shard: int | None = None) -> None:
        """Send text (`str`) or bytes once, on the open connection; if there is none, wait for one. `shard`: on whose,
        one of `shards`; it must be given where there are several.

        Waits until the transport takes more. There is no promise that the peer got it. Raises FeedClosed or GaveUp
        when there will be no connection any more, LocalProtocolError for what is no message. To send something on
        every new connection, use `on_open`.
        """
        fleet, driver = self._fleet, self._driver
        while True:
            if (ended := fleet.ended) is not None:
                raise _error_of(ended)
            try:
                fleet.send(message, driver.now(), shard)
            except NotOpen:
                await driver.until(lambda: fleet.may_send(shard) or fleet.ended is not None)
                continue
            driver.settle()
            await driver.flush()
            return

    def subscribe(self, *streams: str) -> None:
        """Want these streams from now on, on this connection and all that follow it; where it may carry no more, on
        another.

        Connected or not: what is wanted is asked for as soon as the service's limits let it. Raises ConfigError for
        what cannot be asked for, or finds no room within `Sharding.max_connections` (then nothing changed),
        LocalProtocolError for a feed without a dialect.
        """
        self._fleet.subscribe(streams, self._driver.now())
        self._driver.settle()

    def unsubscribe(self, *streams: str) -> None:
        """Want these streams no more. Raises ConfigError for what are no names."""
        _check_names(streams)
        self._fleet.unsubscribe(streams, self._driver.now())
        self._driver.settle()

    async def subscribed(self, *streams: str, timeout: float | None = None) -> None:
        """Wait until the service has acknowledged these streams; all that are wanted, if none is named.

        Raises StreamRefused if it will not give one of them, TimeoutError after `timeout` seconds, FeedClosed or
        GaveUp when the feed has ended, ConfigError for a stream that is not wanted, or not any more.
        """
        _check_names(streams)
        if timeout is not None:
            need(number(timeout) and timeout >= 0, "timeout", timeout, "0 seconds or more, or None")
        limit = math.inf if timeout is None else self._driver.now() + timeout
        if limit < math.inf:
            self._fleet.remind(limit)
            self._driver.settle()
        seen = -1

        def is_over() -> bool:
            nonlocal seen
            if seen != (changes := self._fleet.changes):  # to look at thousands of streams takes a while
                seen = changes
                return self._is_answered(streams) or self._driver.now() >= limit
            return self._driver.now() >= limit

        await self._driver.until(is_over)
        if (ended := self._fleet.ended) is not None:
            raise _error_of(ended)
        states = self._states(streams)
        if refused := [stream for stream, state in states.items() if state == "refused"]:
            raise StreamRefused(f"the service refused {', '.join(refused)}: SubscriptionRefused has its words")
        if missing := [stream for stream, state in states.items() if state != "subscribed"]:
            raise TimeoutError(f"not subscribed after {timeout} s: {', '.join(missing)}")

    def rotate(self) -> None:
        """Replace the open connections by fresh ones now, one shard after the other, without a gap.

        Returns at once; `Rotated` tells when.
        """
        self._fleet.rotate(self._driver.now())
        self._driver.settle()

    def resync(self, *streams: str) -> None:
        """Get new snapshots of these streams by the function of `Resync`; of all that it is for, if none is named. That
        is for snapshots that prove too old. What comes until `Resynced` is held. Raises ConfigError for other streams.
        """
        self._fleet.resync(streams, self._driver.now())
        self._driver.settle()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest gaps, oldest first: those that were declared, and those that another connection filled."""
        return self._fleet.gaps

    @property
    def streams(self) -> dict[str, str]:
        """Every stream that is wanted, and how it stands: `wanted`, `asked`, `subscribed` or `refused`."""
        return self._fleet.stream_states()

    @property
    def shards(self) -> dict[int, tuple[str, ...]]:
        """The streams that each shard carries, by its number: one, unless one connection may not carry them all."""
        return self._fleet.shards

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the feed with the closing handshake, within `Timeouts.close`. What was received can still be taken."""
        self._fleet.close(self._driver.now(), code, reason)
        self._driver.settle()
        await self._driver.until(lambda: self._fleet.is_closed)

    def stats(self) -> FeedStats:
        """Counters and ages at this moment."""
        stats = self._fleet.stats(self._driver.now())
        return stats if self._callbacks is None else replace(stats, callback_errors=self._callbacks.errors)

    def stream_stats(self) -> dict[str, StreamStats]:
        """The same of each stream that is wanted."""
        return self._fleet.stream_stats(self._driver.now())

    @property
    def recent_events(self) -> tuple[RecentEvent, ...]:
        """The latest 200 events as they happened, oldest first, but for pongs. Nobody needs to take them."""
        return self._fleet.recent_events

    @property
    def is_open(self) -> bool:
        """Whether a connection is open now."""
        return self._fleet.is_open

    def _states(self, streams: tuple[str, ...]) -> dict[str, str]:
        states = self._fleet.stream_states()
        if unknown := [stream for stream in streams if stream not in states]:
            raise ConfigError(f"{', '.join(unknown)}: not wanted, or not any more; subscribe() first")
        return {stream: states[stream] for stream in streams} if streams else states

    def _is_answered(self, streams: tuple[str, ...]) -> bool:
        """Raises nothing: it is asked in the midst of other inputs, which have nothing to do with it."""
        if self._fleet.ended is not None:
            return True
        states = self._fleet.stream_states()
        found = {states.get(stream) for stream in streams or states}
        return bool(found & {"refused", None}) or found <= {"subscribed"}

    async def _next_run(self) -> list[M] | Event:
        """Messages, or one event. Raises StopAsyncIteration or GaveUp behind the last item."""
        if (last := self._last) is not None:
            if last.failure is None:
                raise StopAsyncIteration
            raise _error_of(last)
        if self._taking:
            raise LocalProtocolError("another task is waiting for this feed's next item: let one task take and hand on")
        driver = self._driver
        self._taking = True
        try:
            await driver.items_there()
        finally:
            self._taking = False
        run = driver.take_run(_AT_ONCE)
        if type(run) is Closed:
            self._last = run
        return run  # type: ignore[return-value]  # what the messages are, M says


def _check_names(streams: tuple[str, ...]) -> None:
    for stream in streams:
        need(isinstance(cast(object, stream), str), "a stream", stream, "a str: give names one by one, or *names")


def _error_of(ended: Closed) -> HoldfastError:
    if ended.failure is not None:
        return (RestartNeeded if ended.restart_needed else GaveUp)(ended.failure, ended.reason)
    return FeedClosed("the feed is closed: open a new one")


class _Items(AsyncIterator[M | Event], Generic[M]):
    """Owns nothing: it may be dropped at any point."""

    def __init__(self, feed: Feed[M]) -> None:
        self._feed = feed

    async def __anext__(self) -> M | Event:
        feed = self._feed
        for message in feed._taken:
            return message
        run = await feed._next_run()
        if isinstance(run, Event):
            return run
        feed._taken.put(run)
        return next(iter(feed._taken))


class _Batches(AsyncIterator[list[M]], Generic[M]):
    def __init__(self, feed: Feed[M]) -> None:
        self._feed = feed

    async def __anext__(self) -> list[M]:
        feed = self._feed
        if rest := list(feed._taken):
            return rest
        while isinstance(run := await feed._next_run(), Event):
            pass
        return run
