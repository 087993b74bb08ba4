"""What a consumer saw: which messages, which are missing, and whether anything told it so."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

SIGNS_KEPT = 20


@dataclass
class Hole:
    """Numbers that never came, between two that did. `told`: between the two, the application was given a sign."""

    first: int
    last: int
    told: bool


@dataclass
class Account:
    """Times are seconds of CLOCK_MONOTONIC."""

    messages: int = 0
    first_at: float | None = None
    last_at: float | None = None
    last_number: int | None = None
    holes: list[Hole] = field(default_factory=list)
    repeated: int = 0  # or out of order
    signs: list[str] = field(default_factory=list)  # the first of them
    events: Counter[str] = field(default_factory=Counter[str])
    dropped: int = 0  # messages, by the client's own account
    stalls: list[float] = field(default_factory=list)  # seconds
    ended: str | None = None  # what the client came out with, if it came out by itself
    _told: bool = False

    def message(self, number: int) -> None:
        now = time.monotonic()
        self.messages += 1
        self.first_at = self.first_at or now
        self.last_at = now
        last = self.last_number
        if last is not None and number <= last:
            self.repeated += 1
            return
        if last is not None and number > last + 1:
            self.holes.append(Hole(last + 1, number - 1, self._told))
        self.last_number = number
        self._told = False

    def sign(self, text: str) -> None:
        """The application was told that messages may be missing here."""
        self._told = True
        if len(self.signs) < SIGNS_KEPT:
            self.signs.append(text)

    def dump(self) -> dict[str, Any]:
        fields = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return {**fields, "holes": [asdict(hole) for hole in self.holes]}
