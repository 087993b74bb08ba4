"""An exchange with rules, and the real client at it in a simulated world."""

from __future__ import annotations

from holdfast import Event, FeedOptions
from holdfast.testing import ConnectionRecord, Exchange, Fault, Rules
from testing.link import STREAMS, TARGET, Link


def exchange_with(rules: Rules | None, *script: tuple[float, Fault], ping_interval: float | None = None) -> Exchange:
    exchange = Exchange(STREAMS, script, ping_interval=ping_interval, rules=rules)
    exchange.start(0.0)
    return exchange


class Feed(Link):
    """A feed at an exchange with rules, and what the exchange knows of its connections."""

    def __init__(
        self,
        rules: Rules,
        *script: tuple[float, Fault],
        options: FeedOptions | None = None,
        ping_interval: float | None = None,
        target: str = TARGET,
    ) -> None:
        super().__init__(script, options, target=target, rules=rules, ping_interval=ping_interval)

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
