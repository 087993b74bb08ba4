"""What services of a voyage number, what a user makes of it, and where they can be dialled, all of it drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fuzz.dialect import Key, Spoken
from holdfast.testing.world import Chance, Dialling

_KEYS: tuple[Key, ...] = ("text", "id", "number")


@dataclass(frozen=True)
class DrawnResync:
    """The settings of `Resync`, and what becomes of its function. `pauses`: seconds that it takes, one of them each
    time. `fails`: the probability that it raises.
    """

    streams: tuple[str, ...]
    timeout: float
    at_once: int
    pauses: tuple[float, ...]
    fails: float


@dataclass(frozen=True)
class DrawnNumbers:
    """Of a feed with a dialect."""

    spoken: Spoken
    check_sequences: bool
    resync: DrawnResync | None


@dataclass(frozen=True)
class DrawnDoors:
    """`count`: under how many names the service can be dialled. `dead`: which of these stays shut when all else is
    healed, and how; None for none. `always`: it was shut from the beginning.
    """

    count: int = 1
    dead: tuple[int, Dialling] | None = None
    always: bool = False


def draw_numbers(chance: Chance, spoken: Spoken) -> DrawnNumbers:
    patterns: tuple[tuple[str, ...], ...] = (("*",), ("s0",), ("s1", "s2"))
    numbers, counts = chance.chance(0.65), chance.chance(0.35)
    key = chance.choice(_KEYS if numbers else _KEYS[:2])
    if counts and key == "text":
        key = "id"  # no two copies have the same text
    checks, syncs = chance.chance(0.7), chance.chance(0.5)
    resync = DrawnResync(
        streams=chance.choice(patterns),
        timeout=chance.choice((2.5, 10.0)),
        at_once=chance.choice((1, 4)),
        pauses=chance.choice(((0.0,), (0.25, 2.0), (0.0, 1.0, 30.0))),
        fails=chance.choice((0.0, 0.3)),
    )
    spoken = replace(spoken, numbers=numbers, key=key, limits=replace(spoken.limits, counts=counts))
    return DrawnNumbers(spoken, check_sequences=numbers and checks, resync=resync if syncs else None)


def draw_doors(chance: Chance) -> DrawnDoors:
    count = chance.choice((1, 1, 1, 2, 3))
    how = chance.choice((Dialling.REFUSED, Dialling.HANGS, Dialling.DNS_FAILS))
    dead = chance.below(count)
    is_dead = count > 1 and chance.chance(0.5)
    return DrawnDoors(count, (dead, how) if is_dead else None, always=is_dead and chance.chance(0.5))
