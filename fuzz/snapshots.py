"""The user's function that fetches snapshots: slow, or failing; it tells what the service had published by then."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from fuzz.number_plan import DrawnResync
from holdfast import Gap, Resync
from holdfast.testing.world import sleep

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What all messages of a stream come to, up to the `latest` by its number in the world."""

    latest: int


class Snapshots:
    """For one voyage."""

    def __init__(self, voyage: Voyage, drawn: DrawnResync) -> None:
        self.drawn = drawn
        self._voyage = voyage
        self._chance = voyage.world.chance.fork("snapshots")

    @property
    def setting(self) -> Resync:
        drawn = self.drawn
        return Resync(self._fetch, drawn.streams, timeout=drawn.timeout, at_once=drawn.at_once)

    @property
    def longest(self) -> float:
        """Seconds from a gap to a snapshot for everybody, in a healed world."""
        streams = len(self._voyage.plan.streams)
        return self._voyage.config.backoff.maximum + 1.0 + self.drawn.timeout * (1 + streams / self.drawn.at_once)

    def are_for(self, stream: str) -> bool:
        return any(fnmatchcase(stream, pattern) for pattern in self.setting.patterns)

    async def _fetch(self, stream: str, gap: Gap | None) -> Snapshot:
        chance, counts = self._chance, self._voyage.exchange.ledger.counts
        at_once, pause, fails = chance.chance(0.5), chance.choice(self.drawn.pauses), chance.chance(self.drawn.fails)
        before = counts[stream]
        if not self._voyage.healed:
            if pause:
                await sleep(pause)
            if fails:
                raise ConnectionError("no snapshot today")
        return Snapshot(before if at_once else counts[stream])
