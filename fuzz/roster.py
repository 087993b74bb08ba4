"""Which shard a connection belongs to, and which streams each carries: for feeds that may have several."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from holdfast import ConnectFailed, Connecting, Disconnected, Event, Gap, LegEnded, Rotated, ShardEnded

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

ONLY = 1  # the shard of a feed that has one


class Roster:
    """`loads`: by shard, as the feed told last; `on_gone` is told the connections of a shard that is no more, which end
    without an event of their own.
    """

    def __init__(self, voyage: Voyage) -> None:
        self.loads: dict[int, tuple[str, ...]] = {}
        self.on_gone: list[Callable[[int, list[int]], None]] = []
        self.on_change: list[Callable[[], None]] = []
        self._voyage = voyage
        self._shards: dict[int, int] = {}  # by connection, ever
        self._there: dict[int, int] = {}  # likewise, of those that have not ended
        # The consumer takes them later.
        self._concerned: dict[Gap, tuple[str, ...]] = {}
        self._legs_ended: dict[LegEnded, int] = {}

    def update(self) -> None:
        """The user changed what is wanted, or a shard has ended."""
        before, self.loads = self.loads, self._voyage.fleet.shards
        for number in before.keys() - self.loads.keys():
            gone = [conn for conn, shard in self._there.items() if shard == number]
            for conn in gone:
                del self._there[conn]
            for tell in self.on_gone:
                tell(number, gone)
        for call in self.on_change:
            call()

    def on_event(self, event: Event) -> None:
        """To be called before any checker's."""
        if isinstance(event, Connecting):
            shard = self._voyage.fleet.recent_events[-1].shard
            self._shards[event.conn] = self._there[event.conn] = self._number(shard)
        elif isinstance(event, (Disconnected, ConnectFailed)):
            self._there.pop(event.conn, None)
        elif isinstance(event, Rotated):
            self._there.pop(event.previous, None)
        elif isinstance(event, Gap):
            if event.stream is None and event.shard is not None:
                self._concerned[event] = self.loads[event.shard]
        elif isinstance(event, LegEnded):
            self._legs_ended[event] = self._number(event.shard)
        elif isinstance(event, ShardEnded):
            self.update()

    def _number(self, shard: int | None) -> int:
        """As events tell it, which name none while there is only one."""
        if shard is None:
            (shard,) = self.loads
        return shard

    def shard_with(self, event: LegEnded) -> int:
        return self._legs_ended[event]

    def shard_of(self, conn: int) -> int:
        return self._shards[conn]

    def carried_with(self, conn: int) -> tuple[str, ...]:
        """The streams of its shard."""
        return self.loads.get(self._shards[conn], ())

    def concerned_by(self, gap: Gap) -> Collection[str] | None:
        """The streams in which it is; None: in all."""
        if gap.stream is not None:
            return (gap.stream,)
        return None if gap.shard is None else self._concerned[gap]
