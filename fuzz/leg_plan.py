"""How many connections a feed of a voyage has, and when they are replaced, all of it drawn."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast import Rotation
from holdfast.testing.world import Chance

SHARE_WITH_LEGS = 0.5  # of all voyages

_HOUR = 3600.0


@dataclass(frozen=True)
class DrawnLegs:
    """`delay`: of the worst weather, in seconds. `knows_age`: whether a dialect knows the service's limit of age."""

    legs: int
    rotation: Rotation | None
    delay: float
    knows_age: bool


def draw_legs(chance: Chance) -> DrawnLegs:
    rotation = Rotation(
        max_age=chance.choice((None, 900.0, _HOUR, 6 * _HOUR, 24 * _HOUR)),
        jitter=chance.choice((0.0, 0.1, 0.5, 1.0)),
        overlap_timeout=chance.choice((2.0, 5.0, 10.0, 30.0)),
        window=chance.choice((None, None, ("02:00", "04:00"), ("23:30", "00:15"))),
    )
    return DrawnLegs(
        legs=chance.choice((1, 1, 1, 2, 2, 3)),
        rotation=rotation if chance.chance(0.8) else None,
        delay=chance.choice((0.0, 0.0625, 0.5)),
        knows_age=chance.chance(0.7),
    )
