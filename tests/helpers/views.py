"""Feeds of a simulated world, as the status page looks at them."""

from __future__ import annotations

from helpers.world import World
from holdfast import FeedStats, Fleet, Gap, StreamStats
from holdfast.events import RecentEvent


class View:
    """A fleet as a Feed shows it."""

    def __init__(self, fleet: Fleet, world) -> None:
        self._fleet = fleet
        self._world = world

    def stats(self) -> FeedStats:
        return self._fleet.stats(self._world.now)

    def stream_stats(self) -> dict[str, StreamStats]:
        return self._fleet.stream_stats(self._world.now)

    @property
    def recent_events(self) -> tuple[RecentEvent, ...]:
        return self._fleet.recent_events

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self._fleet.gaps


def view_of(world: World) -> View:
    return View(world.fleet, world)
