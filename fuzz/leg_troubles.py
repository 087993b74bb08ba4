"""What can go wrong with one of several connections; and the user who has them replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.testing import RefuseDials
from holdfast.testing.world import Chance, Dialling

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


def _rotate(voyage: Voyage, chance: Chance) -> None:
    """The user asks for it, perhaps twice."""
    voyage.rotate()
    if chance.chance(0.2):
        voyage.later(chance.choice((0.0, 0.25, 1.0, 10.0)), voyage.rotate)


def _rotate_in_vain(voyage: Voyage, chance: Chance) -> None:
    """Nobody is let in while it is under way; perhaps the old connection is lost meanwhile."""
    if chance.chance(0.5):
        voyage.strike(RefuseDials(chance.choice((1.0, 5.0, 60.0)), 503))
    else:
        voyage.shut(chance.choice((Dialling.REFUSED, Dialling.HANGS)))
        voyage.later(chance.choice((1.0, 5.0, 60.0)), voyage.answer_dials)
    voyage.rotate()
    if chance.chance(0.4):
        voyage.later(chance.choice((0.25, 2.0, 10.0)), lambda: _reset_one(voyage, chance))


def _reset_one(voyage: Voyage, chance: Chance) -> None:
    if links := voyage.links():
        chance.choice(links).reset()


def _hold_one(voyage: Voyage, chance: Chance) -> None:
    """One connection brings nothing for a while, or nothing any more; perhaps it is to be replaced, too."""
    if links := voyage.links():
        seconds = chance.choice((0.5, 2.0, 15.0, 60.0, float("inf")))
        voyage.hold_link(chance.choice(links), voyage.now + seconds, upward=chance.chance(0.5))
        if chance.chance(0.3):
            voyage.rotate()


def _weather(voyage: Voyage, chance: Chance) -> None:
    """Connections that are dialled from now on are faster, or slower."""
    worst = voyage.plan.weather
    voyage.change_weather(replace(worst, delay=worst.delay * chance.choice((0.0, 0.125, 1.0))))


LEG_TROUBLES: dict[str, Callable[[Voyage, Chance], None]] = {
    "hold_one": _hold_one,
    "reset_one": _reset_one,
    "rotate": _rotate,
    "rotate_in_vain": _rotate_in_vain,
    "weather": _weather,
}

ROTATING = frozenset({"hold_one", "rotate", "rotate_in_vain"})
"""Of these, the ones in which a connection is replaced while it is there."""
