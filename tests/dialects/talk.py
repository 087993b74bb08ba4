"""A dialect and a simulated service talk over one connection, without the machine between them."""

from __future__ import annotations

from collections.abc import Iterable

from wsproto.events import TextMessage

from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import Acknowledged, Control, Reading, Refused, Update
from holdfast.testing import Exchange, Rules, Service, Stream
from testing.link import PlainClient


class Talk:
    """Time passes only by `run`; what the service says is in `readings`, as the dialect reads it."""

    def __init__(
        self,
        dialect: Dialect,
        service: Service,
        streams: Iterable[str],
        target: str,
        *,
        rate: float = 1.0,
        rules: Rules | None = None,
    ) -> None:
        self.dialect = dialect
        self.now = 0.0
        self.exchange = Exchange([Stream(name, rate) for name in streams], service=service, rules=rules)
        self.exchange.start(0.0, wall_offset=1_700_000_000.0)
        self.client = PlainClient(self.exchange).open(target)
        self.readings: list[Reading] = []
        self.requests = 0
        self._taken = 0
        self._take()

    def say(self, text: str) -> list[Reading]:
        """What the service answers at once."""
        before = len(self.readings)
        self.client.send(TextMessage(text), self.now)
        self._take()
        return self.readings[before:]

    def subscribe(self, *streams: str) -> list[Reading]:
        return [reading for batch in self.dialect.batches(streams) for reading in self.say(self._subscription(batch))]

    def unsubscribe(self, *streams: str) -> list[Reading]:
        before = len(self.readings)
        for batch in self.dialect.batches(streams):
            self.requests += 1
            self.say(self.dialect.unsubscribe(batch, self.requests))
        return self.readings[before:]

    def run(self, seconds: float) -> list[Reading]:
        """What comes meanwhile."""
        before = len(self.readings)
        self.now += seconds
        self.client.tick(self.now)
        self._take()
        return self.readings[before:]

    @property
    def closed_by(self) -> str | None:
        return self.exchange.ledger.connections[0].closed_by

    def _subscription(self, streams: Iterable[str]) -> str:
        self.requests += 1
        return self.dialect.subscribe(tuple(streams), self.requests)

    def _take(self) -> None:
        for text in self.client.texts[self._taken :]:
            self.readings.append(self.dialect.read(text))
        self._taken = len(self.client.texts)


def acknowledged(readings: Iterable[Reading]) -> list[str]:
    """The streams that these words acknowledge one by one."""
    return [name for one in readings if isinstance(one, Acknowledged) for name in one.streams or ()]


def refused(readings: Iterable[Reading]) -> list[str]:
    return [name for one in readings if isinstance(one, Refused) for name in one.streams or ()]


def updates(readings: Iterable[Reading]) -> list[Update]:
    return [reading for reading in readings if isinstance(reading, Update)]


def controls(readings: Iterable[Reading]) -> list[Control]:
    return [reading for reading in readings if not isinstance(reading, Update)]
