"""A feed with streams at a service, in a simulated world, and the account of what it brought."""

from __future__ import annotations

import json
from dataclasses import dataclass

from holdfast import FeedConfig, Gap, Service, Update
from holdfast.testing import Exchange, LastingFault, Outgoing, Rules, Stream
from holdfast.testing.world import Observer, Weather, World

ALL = tuple(f"s{number}@trade" for number in range(60))


@dataclass(frozen=True, slots=True)
class LoseReplies(LastingFault):
    """Requests are carried out, and nobody says so."""

    def withholds(self, outgoing: Outgoing) -> bool:
        return outgoing is Outgoing.REPLY


class _Taker(Observer):
    def __init__(self, items: list[object]) -> None:
        self._items = items

    def on_item(self, item, now) -> None:
        self._items.append(item)


class Sea:
    """A feed at a service, in a simulated world."""

    def __init__(
        self, source: Service | str, rate: float = 1.0, weather: Weather | None = None, seed: int = 1, **options
    ):
        rules = options.pop("rules", Rules())
        server_ping = options.pop("server_ping", None)
        self.world = World(seed, weather or Weather(delay=0.0625))
        self.exchange = Exchange(
            [Stream(name, rate) for name in ALL], rules=rules, ping_interval=server_ping, flush_every=0.25
        )
        self.host = self.world.add_host("example.com", self.exchange)
        self.exchange.start(self.world.now)
        self.fleet = self.world.make_fleet(FeedConfig.build(source, options))
        self.process = self.world.run_process(self.fleet)
        self.items: list[object] = []
        self._given_up: set[str] = set()
        self._wanted_again: set[str] = set()  # what was given up in between is nobody's loss
        self.process.observe(_Taker(self.items))
        self.process.start()

    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    def strike(self, fault) -> None:
        self.exchange.strike(fault, self.world.now)
        self.host.settle()

    def subscribe(self, *streams: str) -> None:
        self._wanted_again |= self._given_up & set(streams)
        self.fleet.subscribe(streams, self.world.now)
        self.process.settle()

    def unsubscribe(self, *streams: str) -> None:
        self._given_up |= set(streams)
        self.fleet.unsubscribe(streams, self.world.now)
        self.process.settle()

    def of(self, kind):
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def served(self) -> set[str]:
        """What the service believes that the open connection is subscribed to."""
        there = [connection for connection in self.exchange._connections.values() if connection.is_open]
        return set(there[-1].streams) if there else set()

    def forget(self, stream: str) -> None:
        """The service loses a subscription."""
        for connection in self.exchange._connections.values():
            connection.streams.discard(stream)

    @property
    def closed_by(self) -> list[str]:
        return [record.closed_by for record in self.exchange.ledger.connections if record.closed_by]

    def account(self) -> dict[str, int]:
        """The latest number of each stream. Nothing came twice or out of order; what is missing lies in a gap."""
        last: dict[str, int] = {}
        excused: set[str | None] = set()  # streams in which messages may be missing; None for all
        for item in self.items:
            if isinstance(item, Gap):
                if item.stream is None:
                    excused = set(last)
                else:
                    excused.add(item.stream)
                assert item.since <= item.until <= item.at
            if isinstance(item, Update):
                item = item.text
            if not isinstance(item, str) or '"stream"' not in item:
                continue
            told = json.loads(item)
            stream, number = told["stream"], told["data"]["t"]
            if stream in last:
                assert number > last[stream], f"{stream}: {number} behind {last[stream]}"
                whole = number == last[stream] + 1 or stream in excused or stream in self._wanted_again
                assert whole, f"{stream}: {number} behind {last[stream]}"
            last[stream] = number
            excused.discard(stream)
        return last
