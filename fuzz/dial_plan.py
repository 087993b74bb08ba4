"""What comes before and behind a dial, drawn: endpoints made for it, windows that others keep, an `on_connect`."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.testing.world import Chance


@dataclass(frozen=True)
class DrawnDials:
    """`makes`: whether an async function makes each endpoint; `greets`: whether there is an `on_connect`,
    which with `receives` awaits an answer. `pauses`: seconds that these take, one of them each time; `fails`: the
    probability that they raise. `shared`: whether the driver keeps a window with other processes.
    """

    makes: bool = False
    pauses: tuple[float, ...] = (0.0,)
    fails: float = 0.0
    shared: bool = False
    greets: bool = False
    receives: bool = False


def draw_dials(chance: Chance) -> DrawnDials:
    makes, shared = chance.chance(0.2), chance.chance(0.2)
    pauses = chance.choice(((0.0,), (0.0, 0.25, 2.0), (0.0, 0.0, 30.0)))
    fails = chance.choice((0.0, 0.2, 0.5))
    greets = chance.chance(0.15)
    if not makes and not greets:
        pauses, fails = (0.0,), 0.0
    return DrawnDials(makes, pauses, fails, shared, greets, greets and chance.chance(0.5))
