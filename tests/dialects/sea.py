"""A feed at a simulated service, in a simulated world: the machine between a dialect and the service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from holdfast import FeedConfig
from holdfast import Service as Source
from holdfast.testing import Exchange, Service, Stream
from holdfast.testing.world import Observer, Weather, World

Kind = TypeVar("Kind")


class Sea:
    """`streams`: those that bring data; what is asked for is in `source`, at ws://example.com/."""

    def __init__(
        self, source: Source, service: Service, streams: Iterable[str], *, rate: float = 1.0, **options: Any
    ) -> None:
        self.world = World(1, Weather(delay=0.0625))
        self.exchange = Exchange([Stream(name, rate) for name in streams], service=service)
        self.world.add_host("example.com", self.exchange)
        self.exchange.start(self.world.now)
        self.fleet = self.world.make_fleet(FeedConfig.build(source, options))
        self.process = self.world.run_process(self.fleet)
        self.items: list[object] = []
        self.process.observe(_Taker(self.items))
        self.process.start()

    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def closed_by(self) -> list[str]:
        """The rules under which connections were ended."""
        return [record.closed_by for record in self.exchange.ledger.connections if record.closed_by]


class _Taker(Observer):
    def __init__(self, items: list[object]) -> None:
        self._items = items

    def on_item(self, item: object, now: float) -> None:
        self._items.append(item)
