"""What happens in the demo of an exchange: when connections are cut, and when streams are given up and asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast import Backoff, Cause, FeedOptions, Retry
from holdfast.testing import CloseWith, Fault, Reset

SECONDS = 24.0
MIN_SECONDS = 15.0  # with less, one cut would come before the one before was overcome
MAX_SECONDS = 600.0  # all that is published is kept for the ledger
STREAMS = 200

# All else is as it is by default.
SETTINGS: FeedOptions = {
    "proxy": None,  # the exchange is on loopback, whatever the environment says
    "backoff": Backoff(initial=0.2, maximum=1.0),
    "retry": Retry(stable_after=1.0),
}

_SEVERED = frozenset({Cause.RESET, Cause.EOF})
_CLOSED = frozenset({Cause.CLOSED})
_CUTS = (
    (Reset(), _SEVERED),
    (CloseWith(1001, "maintenance"), _CLOSED),
    (Reset(), _SEVERED),
    (CloseWith(1012, "service restart"), _CLOSED),
    (Reset(), _SEVERED),
)
_SETTLING = 3.0  # seconds at the end without any change, for the slowest service to acknowledge all


@dataclass(frozen=True, slots=True)
class Cut:
    """At `at` seconds the exchange does `fault`, which costs the connection, for one of `causes`."""

    at: float
    fault: Fault
    causes: frozenset[Cause]


@dataclass(frozen=True, slots=True)
class Change:
    """At `at` seconds the user gives up some streams, and wants others again."""

    at: float
    off: tuple[str, ...]
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`streams`, each with `rate` messages per second. Every `pause` seconds so many as `share` are given up, and asked
    for again two pauses later; those of the last two are not.
    """

    seconds: float
    streams: tuple[str, ...]
    cuts: tuple[Cut, ...] = ()
    rate: float = 3.0
    pause: float = 1.0
    share: int = 7
    settling: float = _SETTLING
    first_change: float = 2.0

    @classmethod
    def of_length(cls, seconds: float, streams: tuple[str, ...]) -> Plan:
        """Five cuts, evenly spread."""
        pause = seconds / (len(_CUTS) + 1)
        cuts = (Cut(round(pause * number, 3), *cut) for number, cut in enumerate(_CUTS, start=1))
        return cls(seconds, streams, tuple(cuts))

    def changes(self) -> Iterator[Change]:
        """In order."""
        away: list[tuple[str, ...]] = []
        at, place = self.first_change, 0
        while at <= self.seconds - self.settling:
            off = tuple(self.streams[(place + step) % len(self.streams)] for step in range(self.share))
            yield Change(at, off, away.pop(0) if len(away) == 2 else ())
            away.append(off)
            at, place = at + self.pause, place + self.share

    @property
    def publications(self) -> int:
        """So many there will be, and some more."""
        return int(len(self.streams) * self.rate * (self.seconds + 60.0))
