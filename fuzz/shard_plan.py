"""How many streams a connection may carry, and what is done about one that is lost often, all of it drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast import Rebalance, Sharding
from holdfast.testing.world import Chance

SHARE_WITH_SHARDS = 0.45  # of all voyages with streams

_MOST_SHARDS = 5  # they would take most of a voyage's time


@dataclass(frozen=True)
class DrawnShards:
    """`per_shard`: streams that each carries at most. `most`: how many shards there may be, or as many more as what is
    wanted to begin with takes; None for as many as are ever needed.
    """

    sharding: Sharding
    rebalance: Rebalance | None
    most: int | None

    @property
    def per_shard(self) -> int:
        most = self.sharding.max_streams_per_connection
        assert most is not None
        return most


def draw_shards(chance: Chance, streams: int) -> DrawnShards:
    """`streams`: how many the user may want."""
    least = math.ceil(streams / _MOST_SHARDS)
    sharding = Sharding(
        max_streams_per_connection=max(least, chance.choice((1, 2, 2, 3))),
        ends_with="first" if chance.chance(0.2) else "last",
    )
    rebalance = Rebalance(
        after=chance.choice((2, 3, 5)),
        factor=chance.choice((1.5, 3.0)),
        period=chance.choice((600.0, 3600.0)),
        tell_after=chance.choice((2, 4, 10)),
    )
    return DrawnShards(sharding, rebalance if chance.chance(0.8) else None, chance.choice((None, None, 1, 2)))
