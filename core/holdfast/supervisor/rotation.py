"""When connections are to be replaced, and the replacements that are under way."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.randomness import Randomness
from holdfast.settings import Rotation
from holdfast.supervisor.leg import Leg

_DAY = 86_400
_MARGIN = 300.0  # seconds before the service's own limit of age
_RETRY_AFTER = 3600.0  # seconds until an aged connection is rotated again, when nothing came of it


@dataclass(slots=True)
class Handover:
    """`new` is to take over from `old`. `gap_at`: when what is not proven is declared lost; inf until `new` is open."""

    old: Leg
    new: Leg
    began: float
    gap_at: float = math.inf


class Rotations:
    """Of one feed."""

    __slots__ = (
        "_age",
        "_due",
        "_random",
        "_setting",
        "handovers",
    )

    def __init__(self, setting: Rotation | None, max_age: float | None, random: Randomness) -> None:
        self.handovers: list[Handover] = []
        self._setting = setting
        self._random = random
        self._due: dict[Leg, float] = {}
        self._age: float | None = None
        if setting is not None:
            limit = None if max_age is None else max(max_age / 2, max_age - _MARGIN)
            self._age = setting.max_age if setting.max_age is not None else limit

    @property
    def enabled(self) -> bool:
        return self._setting is not None

    @property
    def overlap_timeout(self) -> float:
        """How long a connection may take to prove that it misses nothing, once it is open."""
        return (self._setting or Rotation()).overlap_timeout

    # Age

    def opened(self, leg: Leg, now: float, wall_offset: float) -> None:
        """It has a new connection."""
        if (at := self._due_at(now, wall_offset)) < math.inf:
            self._due[leg] = at
        else:
            self._due.pop(leg, None)

    def lost(self, leg: Leg) -> None:
        self._due.pop(leg, None)

    def due(self, now: float) -> list[Leg]:
        """Those whose time has come; each is given once."""
        due = [leg for leg, at in self._due.items() if at <= now]
        for leg in due:
            del self._due[leg]
        return due

    def failed(self, leg: Leg, now: float) -> None:
        """Nothing came of it: try again later."""
        if self._setting is not None and (self._age is not None or self._setting.window is not None):
            self._due[leg] = now + min(_RETRY_AFTER, (self._age or _DAY) / 4)

    def _due_at(self, now: float, wall_offset: float) -> float:
        age, setting = self._age, self._setting
        if setting is None:
            return math.inf
        spread = self._random.random()
        latest = math.inf if age is None else now + age
        if setting.window_seconds is None:
            return math.inf if age is None else now + age * (1 - setting.jitter * spread)
        begin, length = setting.window_seconds
        # Somewhere in the next window; in the last one before it is too old, if there are several.
        wall = now + wall_offset
        first = wall - (wall - begin) % _DAY + _DAY - wall_offset
        if first >= latest:
            # Too late: if this is the window, once more in what is left of it.
            left = first - _DAY + length - now
            return min(latest, now + left * (1 + spread) / 2) if left > 0 else latest
        later = 0 if age is None else math.floor((latest - first) / _DAY)
        return min(latest, first + later * _DAY + length * spread)

    def end(self) -> None:
        """Nothing is replaced any more."""
        self._due.clear()
        self.handovers.clear()

    # Handovers

    def of(self, leg: Leg) -> Handover | None:
        """The one in which it takes part."""
        return next((one for one in self.handovers if leg in (one.old, one.new)), None)

    def next_deadline(self) -> float:
        return min(
            min(self._due.values(), default=math.inf), min((one.gap_at for one in self.handovers), default=math.inf)
        )
