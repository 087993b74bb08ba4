"""What happens in the demo, and what the feed may make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from holdfast import Backoff, Cause, FeedOptions, Keepalive, Retry, Staleness
from holdfast.testing import (
    CloseWith,
    Fault,
    GoSilent,
    IgnorePings,
    LastingFault,
    MuteData,
    RefuseDials,
    Reset,
    Stream,
)

STREAMS = (
    Stream("btcusdt@trade", 45),
    Stream("ethusdt@trade", 35),
    Stream("solusdt@trade", 30),
    Stream("bnbusdt@trade", 20),
    Stream("xrpusdt@trade", 20),
)
SECONDS = 27.0
# The settings below do not shrink with the script: with less, one fault would strike before the last was overcome.
MIN_SECONDS = 21.0
# All that is published is kept for the ledger.
MAX_SECONDS = 600.0

# Short, so that every deadline can be seen to come. A dead peer is found within 2 s; missing data after 2.5 s.
SETTINGS: FeedOptions = {
    "proxy": None,  # the exchange is on loopback, whatever the environment says
    "keepalive": Keepalive(interval=1.0, timeout=1.0),
    "staleness": Staleness(after=2.5, reconnect=True),
    "backoff": Backoff(initial=0.2, maximum=2.0),
    "retry": Retry(stable_after=1.0),
}

_CUT = frozenset({Cause.RESET, Cause.EOF})
_DEAD = frozenset({Cause.PONG_TIMEOUT, Cause.NO_DATA})


@dataclass(frozen=True, slots=True)
class Scene:
    """At `at` seconds the exchange does `fault`. It costs the connection for one of `causes`; none: it must not."""

    at: float
    fault: Fault
    causes: frozenset[Cause] = frozenset()


_SCENES = (
    Scene(3.0, Reset(), _CUT),
    Scene(6.0, GoSilent(5.0), _DEAD),
    Scene(10.5, MuteData(5.0), frozenset({Cause.NO_DATA})),
    Scene(15.5, CloseWith(1001, "maintenance"), frozenset({Cause.CLOSED})),
    Scene(18.5, RefuseDials(1.5, 429, retry_after=2)),
    Scene(18.5, Reset(), _CUT),
    Scene(22.5, IgnorePings(3.0)),
)


@dataclass(frozen=True, slots=True)
class Script:
    """The scenes of a run that takes `seconds`."""

    seconds: float
    scenes: tuple[Scene, ...]

    @classmethod
    def of_length(cls, seconds: float) -> Script:
        """The script stretched, or shrunk: when the faults strike and how long they last."""
        factor = seconds / SECONDS
        return cls(seconds, tuple(_stretched(scene, factor) for scene in _SCENES))

    def faults(self) -> Iterator[tuple[float, Fault]]:
        """As an exchange takes them."""
        return ((scene.at, scene.fault) for scene in self.scenes)

    def cuts(self) -> list[frozenset[Cause]]:
        """The gaps that there must be, in order, each by the causes that tell the truth about it."""
        return [scene.causes for scene in self.scenes if scene.causes]


def _stretched(scene: Scene, factor: float) -> Scene:
    fault = scene.fault
    if isinstance(fault, LastingFault):
        fault = replace(fault, seconds=round(fault.seconds * factor, 3))
    return replace(scene, at=round(scene.at * factor, 3), fault=fault)
