"""The demo of an exchange itself: many streams, a user who changes his mind, cuts; all that was seen of either side."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue

from holdfast import (
    Closed,
    Disconnected,
    Event,
    Feed,
    FeedStats,
    Gap,
    GaveUp,
    PongReceived,
    Service,
    Subscribed,
    SubscriptionRefused,
    Unsubscribed,
    Update,
)
from holdfast.testing import ConnectionRecord, Exchange, FaultRecord, Publication, Stream
from holdfast_cli.demo_show import Show
from holdfast_cli.demo_stage import Consumer, Stage
from holdfast_cli.exchange_demo.ledger import Declared, Entry, Held, Taken, Unwanted, Wanted
from holdfast_cli.exchange_demo.plan import SETTINGS, Change, Plan
from holdfast_cli.exchange_demo.simulated import Simulated
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.transports import Transport

_DRAIN = 5.0  # seconds that the last acknowledgements, and the last messages, may take to arrive


@dataclass(frozen=True, slots=True)
class Account:
    """The exchange's word, at the end. `held`: what each open connection was subscribed to."""

    published: list[Publication]
    forgotten: int
    held: list[frozenset[str]]
    connections: list[ConnectionRecord]
    dials_over_limit: int
    faults: list[FaultRecord]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to judge. `account` is the exchange's word, all else the feed's and its user's.

    `published`: with the key of the update that it is. `wanted` at the end, and how the feed says that it
    stands; `always` is what every connection asks for beside that.
    `given_up`: streams that were, each time counted. `refused` and `unreadable` are streams and messages.
    """

    transport: str
    plan: Plan
    account: Account
    published: list[tuple[Publication, Hashable]]
    log: list[Entry]
    wanted: frozenset[str]
    always: frozenset[str]
    states: dict[str, str]
    given_up: int
    lost: list[Disconnected]
    refused: list[str]
    unreadable: int
    stats: FeedStats
    gave_up: GaveUp | None


class Observer(Consumer):
    """Messages and gaps go into the log, with what the user wanted and the service acknowledged; events to the show.

    Acknowledgements come by the hundred, and so do gaps of single streams, those that are acknowledged later than the
    first after a cut. Of these the show is told how many, when `tell` is called.
    """

    def __init__(self, on_event: Callable[[Event], None], on_many: Callable[[str], None]) -> None:
        super().__init__()
        self.log: list[Entry] = []
        self.latest: dict[str, Hashable] = {}  # by stream
        self.lost: list[Disconnected] = []
        self.refused: list[str] = []
        self.unreadable = 0
        self._on_event = on_event
        self._on_many = on_many
        self.untold: Counter[tuple[str, str]] = Counter()  # what happened, to what

    def note(self, item: Update | Event) -> None:
        if isinstance(item, Update):
            self._take(item)
        elif isinstance(item, Subscribed):
            self.log.append(Held(item.streams, time.monotonic()))
            self.untold["subscribed to", "streams"] += len(item.streams)
        elif isinstance(item, Unsubscribed):
            self.untold["unsubscribed from", "streams"] += len(item.streams)
        elif isinstance(item, Gap) and item.stream is not None:
            self.log.append(Declared(item, time.monotonic()))
            self.untold["gap in", "streams"] += 1
        else:
            if isinstance(item, Gap):
                self.log.append(Declared(item, time.monotonic()))
            elif isinstance(item, Disconnected):
                self.lost.append(item)
            elif isinstance(item, SubscriptionRefused):
                self.refused.append(item.stream)
            if not isinstance(item, PongReceived | Closed):
                self.tell()
                self._on_event(item)

    def tell(self) -> None:
        """What came by the hundred since the last time."""
        for (what, whom), count in self.untold.items():
            self._on_many(f"{what} {count} {whom}")
        self.untold.clear()

    def _take(self, update: Update) -> None:
        if update.stream is None:
            self.unreadable += 1
            return
        key = update.key
        self.latest[update.stream] = key
        self.log.append(Taken(update.stream, key, told_first='"type":"snapshot"' in str(update.text)))


def run_exchange_demo(transport: Transport, simulated: Simulated, plan: Plan, show: Show) -> Outcome:
    """Play the plan to its end, in real time."""
    struck: SimpleQueue[FaultRecord] = SimpleQueue()
    outcomes: list[Outcome] = []
    exchange = Exchange(
        [Stream(name, plan.rate) for name in plan.streams],
        [(cut.at, cut.fault) for cut in plan.cuts],
        service=simulated.service(),
        ledger_size=plan.publications,
    )
    with ExchangeHost(exchange, struck.put) as host:
        service = simulated.make(*plan.streams, endpoint=host.url + simulated.path)
        run = _Run(Stage(transport, show, host, struck), plan, simulated, service)

        async def main() -> None:
            outcomes.append(await run.play())

        transport.run(main)
    return outcomes[0]


class _Run:
    def __init__(self, stage: Stage, plan: Plan, simulated: Simulated, service: Service) -> None:
        self._stage = stage
        self._plan = plan
        self._simulated = simulated
        self._service = service
        self._observer = Observer(stage.on_event, lambda text: stage.show.feed_did(stage.clock(), text))
        self._wanted = set(plan.streams)
        self._given_up = 0

    async def play(self) -> Outcome:
        stage, observer = self._stage, self._observer
        observer.log.append(Wanted(self._plan.streams))
        open_feed, beside = stage.transport.open_feed, stage.transport.beside
        async with open_feed(self._service, **SETTINGS) as feed, beside(partial(observer.consume, feed)):
            for change in self._plan.changes():
                await self._until(self._reaches(change.at), feed)
                self._make(change, feed)
            await self._until(self._reaches(self._plan.seconds), feed)
            await self._until(stage.late(_DRAIN, lambda: set(feed.streams.values()) <= {"subscribed"}), feed)
            states = feed.streams
            account = stage.host.ask(close_the_market)
            published = [(one, self._key(one)) for one in account.published]
            last = {one.stream: key for one, key in published if one.stream in self._wanted}
            await self._until(stage.late(_DRAIN, lambda: last.items() <= observer.latest.items()), feed)
            stats = feed.stats()
            await feed.close()
            await self._until(stage.late(_DRAIN), feed)
        return Outcome(
            stage.transport.name,
            self._plan,
            account,
            published,
            observer.log,
            frozenset(self._wanted),
            frozenset(self._service.dialect.limits.always),
            states,
            self._given_up,
            observer.lost,
            observer.refused,
            observer.unreadable,
            stats,
            observer.gave_up,
        )

    async def _until(self, ready: Callable[[], bool], feed: Feed[Update]) -> None:
        def told_and_ready() -> bool:
            self._observer.tell()
            return ready()

        await self._stage.until(told_and_ready, feed, self._observer)

    def _reaches(self, at: float) -> Callable[[], bool]:
        return lambda: self._stage.clock() >= at

    def _make(self, change: Change, feed: Feed[Update]) -> None:
        log = self._observer.log
        again = f", wants {len(change.on)} again" if change.on else ""
        self._stage.show.user_did(self._stage.clock(), f"gives up {len(change.off)} streams{again}")
        log.append(Unwanted(change.off, time.monotonic()))
        feed.unsubscribe(*change.off)
        self._wanted.difference_update(change.off)
        self._given_up += len(change.off)
        if change.on:
            log.append(Wanted(change.on))
            feed.subscribe(*change.on)
            self._wanted.update(change.on)

    def _key(self, publication: Publication) -> Hashable:
        """Of the update that this becomes."""
        read = self._service.dialect.read(self._simulated.service().message(publication, publication.at))
        assert isinstance(read, Update), "what is published is an update"
        return read.key


def close_the_market(exchange: Exchange, now: float) -> Account:
    """Nothing is published any more; what there was."""
    exchange.stop_publishing(now)
    ledger = exchange.ledger
    return Account(
        list(ledger.publications),
        ledger.forgotten,
        list(exchange.subscriptions.values()),
        [replace(record) for record in ledger.connections],
        ledger.dials_over_limit,
        [replace(record) for record in exchange.faults],
    )
