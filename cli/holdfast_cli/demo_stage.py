"""What every demo needs to run: a feed's consumer, and a show that is kept going while something is waited for."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from holdfast import Event, Feed, GaveUp
from holdfast.testing import FaultRecord
from holdfast_cli.demo_show import Show
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.transports import Transport

_REFRESH = 0.125  # seconds


class Consumer(ABC):
    """Takes all items of a feed."""

    def __init__(self) -> None:
        self.ended = False
        self.gave_up: GaveUp | None = None

    async def consume(self, feed: Feed[Any]) -> None:
        """To the end of the feed."""
        try:
            async for item in feed.items():
                self.note(item)
        except GaveUp as error:
            self.gave_up = error
        self.ended = True

    @abstractmethod
    def note(self, item: Any) -> None:
        """The next item: a message, or an event."""


class Stage:
    """A feed at an exchange, and who watches. `struck`: where the exchange tells of faults."""

    def __init__(self, transport: Transport, show: Show, host: ExchangeHost, struck: SimpleQueue[FaultRecord]) -> None:
        self.transport = transport
        self.show = show
        self.host = host
        self._struck = struck

    def clock(self) -> float:
        """Seconds since the exchange started."""
        return time.monotonic() - self.host.started_at

    def late(self, seconds: float, ready: Callable[[], bool] = lambda: False) -> Callable[[], bool]:
        """A condition that comes true when `ready` does, and in `seconds` at the latest."""
        until = self.clock() + seconds
        return lambda: ready() or self.clock() >= until

    async def until(self, ready: Callable[[], bool], feed: Feed[Any], consumer: Consumer) -> None:
        """Keep the show going; also the end of the feed ends it."""
        while not ready() and not consumer.ended:
            self._tell_of_faults()
            self.show.refresh(self.clock(), feed.stats())
            await self.transport.sleep(_REFRESH)

    def on_event(self, event: Event) -> None:
        """For the show, behind the faults that struck before it."""
        self._tell_of_faults()
        self.show.feed_said(self.clock(), event)

    def _tell_of_faults(self) -> None:
        while True:
            try:
                record = self._struck.get_nowait()
            except Empty:
                return
            self.show.exchange_did(record.at - self.host.started_at, str(record.fault))
