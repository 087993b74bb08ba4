"""The run itself: a feed with 200 streams at an exchange on loopback, whose connections are rotated or cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import Any

from holdfast import (
    Closed,
    Event,
    Feed,
    FeedStats,
    Gap,
    GaveUp,
    PongReceived,
    Rotated,
    Service,
    Subscribed,
    Unsubscribed,
    Update,
)
from holdfast.dialects import binance
from holdfast.testing import Exchange, FaultRecord, Publication
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.demo_show import Show
from holdfast_cli.demo_stage import Consumer, Stage
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.ledger import Entry, Taken
from holdfast_cli.transports import Transport
from holdfast_cli.zero_gap.plan import FLUSH_EVERY, Plan

_DRAIN = 10.0  # seconds that the last messages, and the last rotation, may take
_UNREADABLE: Taken = ("?", 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to judge. `published` and `faults` are the exchange's word, what follows them the feed's.

    `drained`: the last message of every stream was taken.
    """

    transport: str
    plan: Plan
    published: list[Publication]
    forgotten: int  # publications that the exchange no longer knew
    faults: list[FaultRecord]
    log: list[Entry]
    rotated: list[Rotated]
    stats: FeedStats
    drained: bool
    gave_up: GaveUp | None


class _Taker(Consumer):
    """Messages and gaps go into the log, events to the show."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        super().__init__()
        self.log: list[Entry] = []
        self.latest: dict[str, int] = {}
        self.rotated: list[Rotated] = []
        self._on_event = on_event

    def note(self, item: Update | Event) -> None:
        if not isinstance(item, Event):
            stream, number = taken = _read(item)
            self.latest[stream] = number
            self.log.append(taken)
            return
        if isinstance(item, Gap):
            self.log.append(item)
        elif isinstance(item, Rotated):
            self.rotated.append(item)
        if not isinstance(item, PongReceived | Closed | Subscribed | Unsubscribed):  # these would name 200 streams
            self._on_event(item)


def _read(update: Update) -> Taken:
    try:
        return str(update.stream), update.json()["t"]
    except (ValueError, KeyError, TypeError):
        return _UNREADABLE  # never published: the audit will say so


def run_zero_gap(transport: Transport, plan: Plan, show: Show) -> Outcome:
    """Play the plan to its end, in real time."""
    struck: SimpleQueue[FaultRecord] = SimpleQueue()
    outcomes: list[Outcome] = []
    size = round(sum(stream.rate for stream in plan.streams) * (plan.seconds + _DRAIN))
    exchange = Exchange(plan.streams, plan.faults(), service=BinanceSpot(), flush_every=FLUSH_EVERY, ledger_size=size)
    with ExchangeHost(exchange, struck.put) as host:
        stage = Stage(transport, show, host, struck)

        async def main() -> None:
            outcomes.append(await _play(stage, plan))

        transport.run(main)
    return outcomes[0]


async def _play(stage: Stage, plan: Plan) -> Outcome:
    taker = _Taker(stage.on_event)
    transport, host = stage.transport, stage.host
    async with (
        transport.open_feed(_service(host.url, plan), **plan.options()) as feed,
        transport.beside(partial(taker.consume, feed)),
    ):
        for number, at in enumerate(plan.rotations):
            await stage.until(partial(_is_time, stage, at), feed, taker)
            await stage.until(stage.late(_DRAIN, partial(_has_rotated, taker, number)), feed, taker)
            feed.rotate()
        await stage.until(partial(_is_time, stage, plan.seconds), feed, taker)
        await stage.until(stage.late(_DRAIN, partial(_has_rotated, taker, len(plan.rotations))), feed, taker)
        published, forgotten, faults = host.ask(_close_the_market)
        last = {publication.stream: publication.sequence for publication in published}
        await stage.until(stage.late(_DRAIN, lambda: taker.latest == last), feed, taker)
        stats = feed.stats()
        drained = taker.latest == last
        await _close(stage, feed, taker)
    return Outcome(
        transport.name, plan, published, forgotten, faults, taker.log, taker.rotated, stats, drained, taker.gave_up
    )


def _service(url: str, plan: Plan) -> Service:
    return binance.spot(*(stream.name for stream in plan.streams), endpoint=f"{url}/stream")


def _is_time(stage: Stage, at: float) -> bool:
    return stage.clock() >= at


def _has_rotated(taker: _Taker, count: int) -> bool:
    return len(taker.rotated) >= count


async def _close(stage: Stage, feed: Feed[Any], taker: _Taker) -> None:
    await feed.close()
    await stage.until(stage.late(_DRAIN), feed, taker)


def _close_the_market(exchange: Exchange, now: float) -> tuple[list[Publication], int, list[FaultRecord]]:
    exchange.stop_publishing(now)
    ledger = exchange.ledger
    return list(ledger.publications), ledger.forgotten, [replace(record) for record in exchange.faults]
