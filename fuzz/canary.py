"""What a canary is, and the list of all: machines with a planted fault, each in one place.

Each canary is a context in which the machine is broken. `expects` is the promise whose checker must notice; `troubles`
are those of its voyages, because most faults of a machine only show when something goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Unpack
from unittest.mock import patch

from fuzz.checkers import CHECKERS, Checker, Violation
from fuzz.dial_plan import DrawnDials
from fuzz.dialect import Spoken
from fuzz.number_plan import DrawnDoors, DrawnResync
from fuzz.plan import Plan, draw_plan
from fuzz.voyage import Voyage
from holdfast import FeedOptions
from holdfast.testing import Rules
from holdfast.testing.world import Weather

_STREAMS = tuple(f"s{number}" for number in range(8))

Plant = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Canary:
    """A planted fault, and where it must be noticed."""

    name: str
    expects: int
    troubles: tuple[str, ...]
    plant: Plant
    options: FeedOptions  # without these its fault could not show
    rate: float
    rules: Rules
    checkers: tuple[type[Checker], ...]  # those that look on
    spoken: Spoken | None  # of a feed with a dialect, which wants all of _STREAMS
    weather: Weather | None  # instead of the one that is drawn
    snapshots: DrawnResync | None
    doors: DrawnDoors
    dials: DrawnDials

    def plan(self, seed: int) -> Plan:
        """Half an hour in which each of its troubles comes about every minute, under no rules but its own."""
        plan = draw_plan(seed, self.troubles, seconds=1800.0, plain=True, single=True)
        if self.spoken is not None:
            plan = replace(plan, spoken=self.spoken, streams=_STREAMS, wanted=_STREAMS[:6])
        plan = replace(plan, resync=self.snapshots, doors=self.doors, dials=self.dials)
        options: FeedOptions = {**plan.options, **self.options}
        pauses = dict.fromkeys(self.troubles, 60.0)
        if self.weather is not None:
            plan = replace(plan, weather=self.weather)
        server_ping = plan.server_ping if self.rules.pong_timeout is None else 20.0
        return replace(plan, pauses=pauses, options=options, rate=self.rate, rules=self.rules, server_ping=server_ping)

    def sing(self, seed: int) -> Violation | None:
        """One voyage, twice for promise 13; what the checkers noticed."""
        plan = self.plan(seed)
        try:
            with self.plant():
                digests = {Voyage(plan, self.checkers).sail().digest for _ in range(2 if self.expects == 13 else 1)}
        except Violation as violation:
            return violation
        return Violation(13, "the same seed went two ways", 0.0) if len(digests) > 1 else None


CANARIES: list[Canary] = []


def canary(
    expects: int,
    *troubles: str,
    rate: float = 1.0,
    rules: Rules = Rules(),  # noqa: B008
    checkers: tuple[type[Checker], ...] = CHECKERS,
    spoken: Spoken | None = None,
    weather: Weather | None = None,
    snapshots: DrawnResync | None = None,
    doors: DrawnDoors = DrawnDoors(),  # noqa: B008
    dials: DrawnDials = DrawnDials(),  # noqa: B008
    **options: Unpack[FeedOptions],
) -> Callable[[Callable[[], Iterator[None]]], Plant]:
    def register(plant: Callable[[], Iterator[None]]) -> Plant:
        planted = contextmanager(plant)
        looks = rate, rules, checkers, spoken, weather, snapshots, doors, dials
        CANARIES.append(Canary(plant.__name__, expects, troubles, planted, options, *looks))
        return planted

    return register


def after(cls: type, method: str, then: Callable[..., None]) -> Any:
    """Run something behind a method."""
    original = getattr(cls, method)

    def both(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        then(self, *args, **kwargs)
        return result

    return patch.object(cls, method, both)
