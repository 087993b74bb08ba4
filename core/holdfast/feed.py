"""What the user holds. The same class serves asyncio and trio: all that is awaited here comes from the driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from holdfast.driver import Driver
from holdfast.errors import FeedClosed, GaveUp, LocalProtocolError, NotOpen
from holdfast.events import Closed, Event, Item
from holdfast.stats import FeedStats

_AT_ONCE = 1024  # items taken between two chances for other tasks to run


class Feed:
    """A stream of messages that outlives its connections. Made by `open_feed`; valid inside its `async with`.

    Iterating gives messages (`str` or `bytes`) only. It ends after `close()`, and raises GaveUp when no retry can
    help. One task at a time may take from a feed; breaking off, at any point, loses nothing that was not yet given.
    """

    def __init__(self, driver: Driver[Any]) -> None:
        self._driver = driver
        self._fleet = driver.fleet
        self._taken: Iterator[Item] = iter(())
        self._taking = False
        self._last: Closed | None = None

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self

    async def __anext__(self) -> str | bytes:
        while True:
            for item in self._taken:
                if not isinstance(item, Event):
                    return item
                self._note(item)
            await self._take_more()

    def items(self) -> AsyncIterator[Item]:
        """Messages and events, in order. Closed is the last; then it ends, or raises GaveUp."""
        return _Items(self)

    def batches(self) -> AsyncIterator[list[str | bytes]]:
        """Messages in lists, never empty, as they arrived together: less work per message."""
        return _Batches(self)

    async def send(self, message: str | bytes) -> None:
        """Send text (`str`) or bytes once, on the open connection; if there is none, wait for one.

        Waits until the transport takes more. There is no promise that the peer got it. Raises FeedClosed or GaveUp
        when there will be no connection any more, LocalProtocolError for what is no message. To send something on
        every new connection, use `on_open`.
        """
        while True:
            await self._driver.until(lambda: self._fleet.is_open or self._fleet.ended is not None)
            if (ended := self._fleet.ended) is not None:
                if ended.failure is not None:
                    raise GaveUp(ended.failure, ended.reason)
                raise FeedClosed("the feed is closed: open a new one to send")
            try:
                self._fleet.send(message, self._driver.now())
            except NotOpen:
                continue
            self._driver.settle()
            await self._driver.flush()
            return

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the feed with the closing handshake, within `Timeouts.close`. What was received can still be taken."""
        self._fleet.close(self._driver.now(), code, reason)
        self._driver.settle()
        await self._driver.until(lambda: self._fleet.is_closed)

    def stats(self) -> FeedStats:
        """Counters and ages at this moment."""
        return self._fleet.stats(self._driver.now())

    @property
    def is_open(self) -> bool:
        """Whether a connection is open now."""
        return self._fleet.is_open

    def _note(self, item: Item) -> None:
        if type(item) is Closed:
            self._last = item

    async def _take_more(self) -> None:
        """Refill `_taken`. Raises StopAsyncIteration or GaveUp behind the last item."""
        if (last := self._last) is not None:
            if last.failure is None:
                raise StopAsyncIteration
            raise GaveUp(last.failure, last.reason)
        if self._taking:
            raise LocalProtocolError("another task is waiting for this feed's next item: let one task take and hand on")
        self._taking = True
        try:
            await self._driver.until(lambda: self._fleet.has_items)
        finally:
            self._taking = False
        self._taken = iter(self._fleet.take_items(_AT_ONCE))
        self._driver.settle()


class _Items(AsyncIterator[Item]):
    """Owns nothing: it may be dropped at any point."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __anext__(self) -> Item:
        feed = self._feed
        while True:
            for item in feed._taken:
                feed._note(item)
                return item
            await feed._take_more()


class _Batches(AsyncIterator[list[str | bytes]]):
    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __anext__(self) -> list[str | bytes]:
        feed = self._feed
        while True:
            batch: list[str | bytes] = []
            for item in feed._taken:
                if isinstance(item, Event):
                    feed._note(item)
                else:
                    batch.append(item)
            if batch:
                return batch
            await feed._take_more()
