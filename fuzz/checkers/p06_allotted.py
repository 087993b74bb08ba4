"""Promise 6, of a feed with several shards: each stream is carried by one, none by more than it may, and none moves.

Where there may be only so many, what finds no room is refused at once, all of it, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class Allotted(Checker):
    promise = 6

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.roster is None
        self._homes: dict[str, int] = {}  # of streams that are wanted
        self._former: set[tuple[str, int]] = set()
        if voyage.roster is not None:
            voyage.roster.on_change.append(self._look)
            voyage.ear.on_ask.append(self._on_asked)
        if voyage.user is not None:
            voyage.user.on_no_room = self._on_no_room

    def _look(self) -> None:
        roster, most = self.voyage.roster, self.voyage.plan.most_per_shard
        assert roster is not None
        if len(roster.loads) > self.voyage.plan.most_shards:
            self.fail(f"{len(roster.loads)} shards, and there may be {self.voyage.plan.most_shards}")
        homes: dict[str, int] = {}
        for number, streams in roster.loads.items():
            if len(streams) > most:
                self.fail(f"shard {number} carries {len(streams)} streams, not {most}: {streams}")
            for stream in streams:
                if stream in homes:
                    self.fail(f"{stream} is carried by shards {homes[stream]} and {number}")
                homes[stream] = number
        for stream, number in homes.items():
            if self._homes.get(stream, number) != number:
                self.fail(f"{stream} was moved from shard {self._homes[stream]} to {number}")
        self._homes = homes
        self._former.update(homes.items())

    def _on_no_room(self, streams: Collection[str]) -> None:
        plan, roster, wanted = self.voyage.plan, self.voyage.roster, set(self.voyage.wanted())
        room = plan.most_shards * plan.most_per_shard - len(wanted)
        if len(set(streams) - wanted) <= room:
            self.fail(f"no room for {list(streams)}, and there is room for {room} streams")
        if roster is not None and self.voyage.fleet.shards != roster.loads:
            self.fail(f"{list(streams)} found no room, and shards carry {self.voyage.fleet.shards}, not {roster.loads}")

    def _on_asked(self, conn: int, streams: Sequence[str]) -> None:
        spoken, shard = self.voyage.plan.spoken, self.voyage.shard_of(conn)
        assert spoken is not None
        for stream in streams:  # perhaps it was wanted when that was to be sent, and waited for room
            if (stream, shard) not in self._former and stream not in spoken.limits.always:
                self.fail(f"{stream} is asked for on connection {conn}, of shard {shard}, which does not carry it")
