"""An exchange with rules, and the real client at it in a simulated world."""

from __future__ import annotations

from holdfast import Event, FeedConfig, FeedOptions, Item
from holdfast.testing import ConnectionRecord, Exchange, Fault, Rules
from holdfast.testing.world import Observer, World
from testing.link import SETTINGS, STREAMS, TARGET


def exchange_with(rules: Rules | None, *script: tuple[float, Fault], ping_interval: float | None = None) -> Exchange:
    exchange = Exchange(STREAMS, script, ping_interval=ping_interval, rules=rules)
    exchange.start(0.0)
    return exchange


class Feed(Observer):
    """A feed at an exchange with rules; what its consumer got, and what the exchange knows of its connections."""

    def __init__(
        self,
        rules: Rules,
        *script: tuple[float, Fault],
        options: FeedOptions | None = None,
        ping_interval: float | None = None,
        target: str = TARGET,
    ) -> None:
        self.items: list[Item] = []
        self.exchange = Exchange(STREAMS, script, ping_interval=ping_interval, rules=rules)
        self._world = World(seed=1, start_at=0.0)
        self._world.add_host("exchange.test", self.exchange)
        self.exchange.start(self._world.now)
        self.fleet = self._world.make_fleet(
            FeedConfig.build("ws://exchange.test" + target, {**SETTINGS, **(options or {})})
        )
        process = self._world.run_process(self.fleet)
        process.observe(self)
        process.start()

    def on_item(self, item: Item, now: float) -> None:
        self.items.append(item)

    def run(self, seconds: float) -> Feed:
        self._world.run(seconds)
        return self

    @property
    def messages(self) -> list[str | bytes]:
        return [item for item in self.items if not isinstance(item, Event)]

    @property
    def connections(self) -> list[ConnectionRecord]:
        return list(self.exchange.ledger.connections)

    @property
    def was_left_alone(self) -> bool:
        """Whether it has one connection, which is open and never was closed."""
        (record,) = self.connections
        return record.ended_at is None and record.closed_by is None and self.fleet.is_open
