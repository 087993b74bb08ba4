"""The run itself: a feed of thousands of streams at a simulated Binance with its limits, on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from holdfast import Connected, Connecting, Disconnected, Event, Feed, FeedStats, Gap, GaveUp, RetryScheduled, Update
from holdfast.dialects import binance
from holdfast.testing import Exchange, FaultRecord, Publication, Reset, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.demo_show import Show
from holdfast_cli.demo_stage import Stage
from holdfast_cli.exchange_demo.ledger import Declared, Entry, Unwanted, Wanted
from holdfast_cli.exchange_demo.run import Account, Observer, close_the_market
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.fleet_demo.plan import Plan
from holdfast_cli.transports import Transport

_DRAIN = 10.0  # seconds that the last messages may take to arrive
_WORDS: dict[type[Event], str] = {
    Connecting: "dials",
    Connected: "connected",
    Disconnected: "disconnected",
    RetryScheduled: "is to dial again",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to judge. `account` is the exchange's word, all else the feed's and its user's; times are seconds.

    `started`: until every stream was acknowledged; `back`: likewise from the cut; `changed`: from the change. None: not
    in time. `dials`: when each went out, since the exchange started. `late_gaps`: those that came behind the change.
    `wanted` and `states`: at the end.
    """

    transport: str
    plan: Plan
    account: Account
    published: list[tuple[Publication, Hashable]]
    log: list[Entry]
    wanted: frozenset[str]
    states: dict[str, str]
    started: float | None
    back: float | None
    changed: float | None
    dials: list[float]
    lost: list[Disconnected]
    gaps: list[Gap]
    late_gaps: list[Gap]
    refused: list[str]
    stats: FeedStats
    gave_up: GaveUp | None


class _Fleet(Observer):
    """Of what comes from twenty connections at once the show is told how many."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.on_event, lambda text: stage.show.feed_did(stage.clock(), text))
        self.shards: Callable[[], dict[int, tuple[str, ...]]] = dict
        self.dials: list[float] = []
        self.gaps: list[Gap] = []
        self._clock = stage.clock

    def note(self, item: Update | Event) -> None:
        if isinstance(item, Connecting):
            self.dials.append(self._clock())
        elif isinstance(item, Disconnected):
            self.lost.append(item)
        if isinstance(item, Event) and (word := _WORDS.get(type(item))) is not None:
            self.untold[word, "times"] += 1
        elif isinstance(item, Gap):
            self.gaps.append(item)
            those = None if item.shard is None or item.stream is not None else frozenset(self.shards()[item.shard])
            self.log.append(Declared(item, time.monotonic(), those))
            self.untold["gap in", "streams" if item.stream is not None else "shards"] += 1
        else:
            super().note(item)


def run_fleet_demo(transport: Transport, plan: Plan, show: Show) -> Outcome:
    """Play the plan to its end, in real time."""
    struck: SimpleQueue[FaultRecord] = SimpleQueue()
    outcomes: list[Outcome] = []
    exchange = Exchange(
        [Stream(name, plan.rate) for name in (*plan.streams, *plan.others)],
        [(plan.cut, Reset())],
        service=BinanceSpot(),
        ledger_size=plan.publications,
    )
    with ExchangeHost(exchange, struck.put) as host:
        run = _Run(Stage(transport, show, host, struck), plan)

        async def main() -> None:
            outcomes.append(await run.play())

        transport.run(main)
    return outcomes[0]


class _Run:
    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._plan = plan
        self._fleet = _Fleet(stage)
        self._service = binance.spot(*plan.streams, endpoint=f"{stage.host.url}/stream")

    async def play(self) -> Outcome:
        stage, plan, fleet = self._stage, self._plan, self._fleet
        fleet.log.append(Wanted(plan.streams))
        open_feed, beside = stage.transport.open_feed, stage.transport.beside
        async with open_feed(self._service, **plan.options()) as feed, beside(partial(fleet.consume, feed)):
            fleet.shards = lambda: feed.shards
            started = await self._settled(feed, 0.0)
            await self._until(self._reaches(plan.cut), feed)
            await self._until(stage.late(1.0, lambda: len(fleet.lost) >= plan.connections), feed)
            back = await self._settled(feed, plan.cut)
            await self._until(self._reaches(plan.change), feed)
            changed_at, before = stage.clock(), len(fleet.gaps)
            self._change(feed)
            changed = await self._settled(feed, changed_at)
            await self._until(self._reaches(plan.seconds), feed)
            account = stage.host.ask(close_the_market)
            published = [(one, self._key(one)) for one in account.published]
            wanted = frozenset(feed.streams)
            last = {one.stream: key for one, key in published if one.stream in wanted}
            await self._until(stage.late(_DRAIN, lambda: last.items() <= fleet.latest.items()), feed)
            states, stats = feed.streams, feed.stats()
            await feed.close()
            await self._until(stage.late(_DRAIN), feed)
        return Outcome(
            stage.transport.name,
            plan,
            account,
            published,
            fleet.log,
            wanted,
            states,
            started,
            back,
            changed,
            fleet.dials,
            fleet.lost,
            fleet.gaps[:before],
            fleet.gaps[before:],
            fleet.refused,
            stats,
            fleet.gave_up,
        )

    async def _until(self, ready: Callable[[], bool], feed: Feed[Update]) -> None:
        def told_and_ready() -> bool:
            self._fleet.tell()
            return ready()

        await self._stage.until(told_and_ready, feed, self._fleet)

    async def _settled(self, feed: Feed[Update], since: float) -> float | None:
        """Wait until everything is acknowledged; how long it took."""
        is_settled = partial(_is_settled, feed)
        await self._until(self._stage.late(self._plan.settling, is_settled), feed)
        return self._stage.clock() - since if is_settled() else None

    def _reaches(self, at: float) -> Callable[[], bool]:
        return lambda: self._stage.clock() >= at

    def _change(self, feed: Feed[Update]) -> None:
        off, on, log = self._plan.given_up, self._plan.others, self._fleet.log
        self._stage.show.user_did(self._stage.clock(), f"gives up {len(off)} streams, wants {len(on)} others")
        log.append(Unwanted(off, time.monotonic()))
        feed.unsubscribe(*off)
        log.append(Wanted(on))
        feed.subscribe(*on)

    def _key(self, publication: Publication) -> Hashable:
        """Of the update that this becomes."""
        read = self._service.dialect.read(BinanceSpot().message(publication, publication.at))
        assert isinstance(read, Update), "what is published is an update"
        return read.key


def _is_settled(feed: Feed[Update]) -> bool:
    return set(feed.streams.values()) == {"subscribed"}
