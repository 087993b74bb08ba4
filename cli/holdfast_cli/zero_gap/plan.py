"""What happens to the connections of the feed, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from holdfast import Backoff, FeedOptions, Keepalive, Retry
from holdfast.testing import Fault, ResetOne, Stream

STREAMS = tuple(Stream(f"x{number:03}usdt@trade", 10.0) for number in range(200))  # 2,000 messages/s in all
SECONDS = 60.0
MIN_SECONDS = 10.0
MAX_SECONDS = 600.0  # all that is published is kept for the ledger
MAX_LEGS = 4
FLUSH_EVERY = 0.02  # seconds: 40 messages at a time

_ROTATIONS = 10
_CUT_EVERY = 2.0  # seconds
_BEGIN, _REST = 2.0, 2.0  # seconds without trouble

# Short, so that a leg that was cut is back, and its backoff starts anew, before another one is.
_SETTINGS: FeedOptions = {
    "proxy": None,  # the exchange is on loopback, whatever the environment says
    "keepalive": Keepalive(interval=1.0, timeout=5.0),
    "backoff": Backoff(initial=0.2, maximum=2.0),
    "retry": Retry(stable_after=0.5),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`rotations`, `cuts`: when, in seconds. `cut_ones`: of the connections, oldest first, which one it is then."""

    seconds: float
    legs: int = 1
    rotations: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()
    cut_ones: tuple[int, ...] = ()
    streams: tuple[Stream, ...] = STREAMS

    @classmethod
    def of_rotations(cls, seconds: float) -> Plan:
        """One leg, rotated ten times."""
        step = (seconds - _BEGIN - _REST) / (_ROTATIONS - 1)
        return cls(seconds, rotations=tuple(_BEGIN + number * step for number in range(_ROTATIONS)))

    @classmethod
    def of_cuts(cls, seconds: float, legs: int) -> Plan:
        """One of the legs is cut every two seconds, now this one, now that; the same in every run."""
        count = int((seconds - _BEGIN - _REST) / _CUT_EVERY) + 1
        random = Random(1)
        cuts = tuple(_BEGIN + number * _CUT_EVERY for number in range(count))
        return cls(seconds, legs, cuts=cuts, cut_ones=tuple(random.randrange(legs) for _ in cuts))

    def faults(self) -> Iterator[tuple[float, Fault]]:
        """As an exchange takes them."""
        return ((at, ResetOne(number)) for at, number in zip(self.cuts, self.cut_ones, strict=True))

    def options(self) -> FeedOptions:
        """As `open_feed` takes them."""
        return {**_SETTINGS, "legs": self.legs}

    @property
    def name(self) -> str:
        """What it is about."""
        if self.rotations:
            return f"{len(self.rotations)} rotations"
        return f"{self.legs} leg{'s' * (self.legs > 1)}, {len(self.cuts)} cuts"
