"""What comes before a dial, drawn: endpoints that are made for it alone, and windows that others keep as well."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.testing.world import Chance


@dataclass(frozen=True)
class DrawnDials:
    """`makes`: whether an async function makes each endpoint; `pauses`: seconds that it takes, one of them each time;
    `fails`: the probability that it raises. `shared`: whether the driver keeps a window with other processes.
    """

    makes: bool = False
    pauses: tuple[float, ...] = (0.0,)
    fails: float = 0.0
    shared: bool = False


def draw_dials(chance: Chance) -> DrawnDials:
    makes, shared = chance.chance(0.2), chance.chance(0.2)
    pauses = chance.choice(((0.0,), (0.0, 0.25, 2.0), (0.0, 0.0, 30.0)))
    fails = chance.choice((0.0, 0.2, 0.5))
    return DrawnDials(makes, pauses if makes else (0.0,), fails if makes else 0.0, shared)
