"""The demo itself: a feed against an exchange that misbehaves on a script; all that was seen of either."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue

from holdfast import Closed, Event, FeedStats, Gap, GaveUp, PongReceived
from holdfast.testing import CombinedStreams, Exchange, FaultRecord, Publication
from holdfast_cli.demo_script import SETTINGS, STREAMS, Script
from holdfast_cli.demo_show import Show
from holdfast_cli.demo_stage import Consumer, Stage
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.ledger import Entry, Taken
from holdfast_cli.transports import Transport

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


class Observer(Consumer):
    """Messages and gaps go into the log, events to the show."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        super().__init__()
        self.log: list[Entry] = []
        self.last: Taken | None = None
        self._on_event = on_event

    def note(self, item: str | bytes | Event) -> None:
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
        stage = Stage(transport, show, host, struck)

        async def main() -> None:
            outcomes.append(await _play(stage, script))

        transport.run(main)
    return outcomes[0]


async def _play(stage: Stage, script: Script) -> Outcome:
    names = "/".join(stream.name for stream in STREAMS)
    url = f"{stage.host.url}{CombinedStreams.PATH}?streams={names}"
    observer = Observer(stage.on_event)
    open_feed, beside = stage.transport.open_feed, stage.transport.beside
    async with open_feed(url, **SETTINGS) as feed, beside(partial(observer.consume, feed)):
        await stage.until(lambda: stage.clock() >= script.seconds, feed, observer)
        published, forgotten, faults = stage.host.ask(_close_the_market)
        last = published[-1][:2] if published else None
        await stage.until(stage.late(_DRAIN, lambda: observer.last == last), feed, observer)
        stats = feed.stats()
        await feed.close()
        await stage.until(stage.late(_DRAIN), feed, observer)
    return Outcome(
        stage.transport.name,
        script,
        published,
        forgotten,
        faults,
        observer.log,
        stats,
        observer.last == last,
        observer.gave_up,
    )


def _close_the_market(exchange: Exchange, now: float) -> tuple[list[Publication], int, list[FaultRecord]]:
    exchange.stop_publishing(now)
    ledger = exchange.ledger
    return list(ledger.publications), ledger.forgotten, [replace(record) for record in exchange.faults]
