"""Which streams there are, and when they are cut and exchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from holdfast import FeedOptions, Sharding
from holdfast.dialects import binance

SECONDS = 45.0
MIN_SECONDS = 30.0  # with less the cut would come before all is there, or the change before all is back
MAX_SECONDS = 240.0  # all that is published is kept for the ledger; and one window of dials holds for all of it

_CONNECTIONS = 20
# All of them have numbers, so that it is known what a message is.
_KINDS: tuple[Callable[[str], str], ...] = (
    binance.trade,
    binance.agg_trade,
    binance.book_ticker,
    binance.depth,
    partial(binance.depth, speed=100),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`streams` are wanted from the beginning. At `cut` seconds all connections are cut; at `change` the user gives up
    some streams, and wants as many `others`. Each brings `rate` messages per second.
    """

    seconds: float
    streams: tuple[str, ...]
    others: tuple[str, ...]
    connections: int = _CONNECTIONS
    rate: float = 0.25
    settling: float = 20.0  # seconds that acknowledgements may take

    @classmethod
    def of_length(cls, seconds: float) -> Plan:
        """3,000 streams of 600 symbols, and 200 of 40 others."""
        streams = _streams(range(600))
        return cls(seconds, streams, _streams(range(600, 640)))

    @property
    def cut(self) -> float:
        return self.seconds / 3

    @property
    def change(self) -> float:
        return self.seconds * 3 / 4

    @property
    def given_up(self) -> tuple[str, ...]:
        """As many as there are others, from the middle, so that they are on several connections."""
        begin = (len(self.streams) - len(self.others)) // 2
        return self.streams[begin : begin + len(self.others)]

    @property
    def publications(self) -> int:
        """So many there will be, and some more."""
        return int((len(self.streams) + len(self.others)) * self.rate * (self.seconds + 60.0))

    def options(self) -> FeedOptions:
        """As `open_feed` takes them. All else is as it is by default."""
        most = -(-len(self.streams) // self.connections)
        return {
            "proxy": None,  # the exchange is on loopback, whatever the environment says
            "sharding": Sharding(max_streams_per_connection=most, max_connections=self.connections),
        }


def _streams(symbols: range) -> tuple[str, ...]:
    return tuple(kind(f"c{number:03}usdt") for number in symbols for kind in _KINDS)
