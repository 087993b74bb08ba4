"""The demo itself: a feed against an exchange that misbehaves on a script; all that was seen of either."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue

from holdfast import Closed, Event, Feed, FeedStats, Gap, GaveUp, PongReceived
from holdfast.testing import CombinedStreams, Exchange, FaultRecord, Publication
from holdfast_cli.demo_script import SETTINGS, STREAMS, Script
from holdfast_cli.demo_show import Show
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.ledger import Entry, Taken
from holdfast_cli.transports import Transport

_REFRESH = 0.125  # seconds
_DRAIN = 5.0  # seconds that the last messages may take to arrive
_UNREADABLE: Taken = ("?", 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to judge. `published` and `faults` are the exchange's word, `log` and `stats` the feed's.

    `stats` is of the end, before the feed was closed. `drained`: the last message published was taken.
    """

    transport: str
    script: Script
    published: list[Publication]
    forgotten: int  # publications that the exchange no longer knew
    faults: list[FaultRecord]
    log: list[Entry]
    stats: FeedStats
    drained: bool
    gave_up: GaveUp | None


class Observer:
    """Takes all items of a feed: messages and gaps into the log, events to the show."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self.log: list[Entry] = []
        self.last: Taken | None = None
        self.ended = False
        self.gave_up: GaveUp | None = None
        self._on_event = on_event

    async def consume(self, feed: Feed[str | bytes]) -> None:
        """To the end of the feed."""
        try:
            async for item in feed.items():
                self.note(item)
        except GaveUp as error:
            self.gave_up = error
        self.ended = True

    def note(self, item: str | bytes | Event) -> None:
        """The next item."""
        if not isinstance(item, Event):
            self.last = _read(item)
            self.log.append(self.last)
            return
        if isinstance(item, Gap):
            self.log.append(item)
        if not isinstance(item, PongReceived | Closed):
            self._on_event(item)


def _read(message: str | bytes) -> Taken:
    try:
        parsed = json.loads(message)
        return parsed["stream"], parsed["data"]["t"]
    except (ValueError, KeyError, TypeError):
        return _UNREADABLE  # never published: the audit will say so


def run_demo(transport: Transport, script: Script, show: Show) -> Outcome:
    """Play the script to its end, in real time."""
    struck: SimpleQueue[FaultRecord] = SimpleQueue()
    outcomes: list[Outcome] = []
    with ExchangeHost(Exchange(STREAMS, script.faults()), struck.put) as host:
        run = _Run(transport, script, show, host, struck)

        async def main() -> None:
            outcomes.append(await run.play())

        transport.run(main)
    return outcomes[0]


class _Run:
    def __init__(
        self,
        transport: Transport,
        script: Script,
        show: Show,
        host: ExchangeHost,
        struck: SimpleQueue[FaultRecord],
    ) -> None:
        self._transport = transport
        self._script = script
        self._show = show
        self._host = host
        self._struck = struck
        self._observer = Observer(self._on_event)

    async def play(self) -> Outcome:
        names = "/".join(stream.name for stream in STREAMS)
        url = f"{self._host.url}{CombinedStreams.PATH}?streams={names}"
        observer = self._observer
        open_feed, beside = self._transport.open_feed, self._transport.beside
        async with open_feed(url, **SETTINGS) as feed, beside(partial(observer.consume, feed)):
            await self._until(lambda: self._clock() >= self._script.seconds, feed)
            published, forgotten, faults = self._host.ask(_close_the_market)
            last = published[-1][:2] if published else None
            await self._until(self._late(_DRAIN, lambda: observer.last == last), feed)
            stats = feed.stats()
            await feed.close()
            await self._until(self._late(_DRAIN), feed)
        return Outcome(
            self._transport.name,
            self._script,
            published,
            forgotten,
            faults,
            observer.log,
            stats,
            observer.last == last,
            observer.gave_up,
        )

    def _late(self, seconds: float, ready: Callable[[], bool] = lambda: False) -> Callable[[], bool]:
        """A condition that comes true when `ready` does, and in `seconds` at the latest."""
        until = self._clock() + seconds
        return lambda: ready() or self._clock() >= until

    async def _until(self, ready: Callable[[], bool], feed: Feed[str | bytes]) -> None:
        """Keep the show going; also the end of the feed ends it."""
        while not ready() and not self._observer.ended:
            self._tell_of_faults()
            self._show.refresh(self._clock(), feed.stats())
            await self._transport.sleep(_REFRESH)

    def _clock(self) -> float:
        """Seconds since the exchange started."""
        return time.monotonic() - self._host.started_at

    def _on_event(self, event: Event) -> None:
        self._tell_of_faults()
        self._show.feed_said(self._clock(), event)

    def _tell_of_faults(self) -> None:
        while True:
            try:
                record = self._struck.get_nowait()
            except Empty:
                return
            self._show.exchange_did(record.at - self._host.started_at, str(record.fault))


def _close_the_market(exchange: Exchange, now: float) -> tuple[list[Publication], int, list[FaultRecord]]:
    exchange.stop_publishing(now)
    ledger = exchange.ledger
    return list(ledger.publications), ledger.forgotten, [replace(record) for record in exchange.faults]
