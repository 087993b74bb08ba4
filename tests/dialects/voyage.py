"""A real feed at a simulated service, in a simulated world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from holdfast import FeedConfig, FeedOptions, Item
from holdfast import Service as Source
from holdfast.testing import ConnectionRecord, Exchange, Fault, Reset, Rules, Service, Stream
from holdfast.testing.world import Observer, Weather, World

HOST = "exchange.test"
_Wanted = TypeVar("_Wanted")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ResetWith(Reset):
    """RST on the connections that carry a stream."""

    stream: str = ""

    def chosen(self, connections: Sequence[T]) -> Sequence[T]:
        return [one for one in connections if self.stream in one.streams]  # type: ignore[attr-defined]


class Voyage(Observer):
    """What its consumer got is in `items`. The service publishes these streams, each at `rate` messages per second."""

    def __init__(
        self,
        source: Source,
        service: Service,
        streams: Iterable[str],
        *,
        rate: float = 1.0,
        rules: Rules | None = None,
        options: FeedOptions | None = None,
        weather: Weather | None = None,
    ) -> None:
        self.items: list[Item] = []
        self.world = World(seed=1, weather=weather or Weather(delay=0.0625))
        self.exchange = Exchange([Stream(name, rate) for name in streams], service=service, rules=rules)
        self._host = self.world.add_host(HOST, self.exchange)
        self.exchange.start(self.world.now)
        self.fleet = self.world.make_fleet(FeedConfig.build(source, options or {}))
        self._process = self.world.run_process(self.fleet)
        self._process.observe(self)
        self._process.start()

    def on_item(self, item: Item, now: float) -> None:
        self.items.append(item)

    def run(self, seconds: float) -> Voyage:
        self.world.run(seconds)
        return self

    def strike(self, fault: Fault) -> Voyage:
        self.exchange.strike(fault, self.world.now)
        self._host.settle()
        return self

    def subscribe(self, *streams: str) -> None:
        self.fleet.subscribe(streams, self.world.now)
        self._process.settle()

    def unsubscribe(self, *streams: str) -> None:
        self.fleet.unsubscribe(streams, self.world.now)
        self._process.settle()

    def of(self, kind: type[_Wanted]) -> list[_Wanted]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def states(self) -> set[str]:
        return set(self.fleet.stream_states().values())

    @property
    def connections(self) -> list[ConnectionRecord]:
        return list(self.exchange.ledger.connections)
