"""Promise 10, of all that a feed queues and holds: `memory_limit`, however many connections it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_COST_OF_ITEM = 64
_SHORTEST_MESSAGE = 20  # bytes on the wire, of the voyage's service
_SHORTEST_COMPRESSED, _LONGEST_INFLATED = 8, 70
_SHARE = 4


class MemoryShared(Checker):
    """What is held cannot be seen from outside: here alone a checker looks into the machine."""

    promise = 10

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = self.config.memory_limit is None
        self._share = (self.config.memory_limit or 0) // _SHARE
        self._largest_read = 0
        self._growth = 1 + _COST_OF_ITEM // _SHORTEST_MESSAGE
        if voyage.plan.rules.compress:
            self._growth = (_LONGEST_INFLATED + _COST_OF_ITEM) // _SHORTEST_COMPRESSED

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        self._largest_read = max(self._largest_read, len(data))

    def on_settled(self, machine: object, now: float) -> None:
        shards = self.voyage.fleet._shards
        one_read = self._largest_read * self._growth
        held = sum(_held_by(shard) for shard in shards._running.values())
        allowed = self._share + one_read * len(self.voyage.process.sockets)
        if held > allowed:
            self.fail(f"{held} bytes are held by {len(shards._running)} shards; they have {self._share}")
        waiting = 0 if shards._resyncs is None else shards._resyncs._size
        if waiting > self._share + one_read:
            self.fail(f"{waiting} bytes wait for snapshots; these have {self._share}")


def _held_by(shard: object) -> int:
    """Until it is proven that nothing is missing before."""
    merge = shard._legs.delivery._merge  # type: ignore[attr-defined]
    strands = () if merge is None else merge._strands.values()
    return sum(hold.size for strand in strands for hold in strand.held.values())
