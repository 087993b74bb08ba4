"""Bounds of a whole feed, drawn: how much memory it may take, and after how many dials in vain it is to end."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.testing.world import Chance


@dataclass(frozen=True)
class DrawnBounds:
    """As in `FeedOptions`; None for no such bound."""

    memory_limit: int | None
    restart_after: int | None


def draw_bounds(chance: Chance) -> DrawnBounds:
    limit, restart = chance.choice((8192, 20_000, 100_000)), chance.choice((4, 12, 50))
    return DrawnBounds(limit if chance.chance(0.15) else None, restart if chance.chance(0.1) else None)
