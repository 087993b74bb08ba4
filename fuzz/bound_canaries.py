"""Machines with a planted fault that shows where a feed has bounds of its own: of memory, and of dials in vain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from fuzz.canary import canary
from fuzz.checkers.p01_comes_back import ComesBack
from fuzz.checkers.p01_restart_asked import RestartAsked
from fuzz.checkers.p10_memory_bounded import MemoryBounded
from fuzz.checkers.p10_memory_shared import MemoryShared
from fuzz.checkers.p10_snapshots_few import SnapshotsFew
from fuzz.dialect import Spoken
from fuzz.number_plan import DrawnResync
from holdfast import Limits, Overflow, Rotation, Sharding
from holdfast.fleet.memory import Memory
from holdfast.fleet.unrest import Unrest
from holdfast.supervisor.merge import Merge
from holdfast.supervisor.queue import ItemQueue
from holdfast.testing.world import Weather

_QUICK = DrawnResync(("*",), timeout=10.0, at_once=4, pauses=(0.0,), fails=0.0)
_SLOW = DrawnResync(("*",), timeout=60.0, at_once=1, pauses=(30.0,), fails=0.0)
_TWO_EACH = Sharding(max_streams_per_connection=2)


@canary(1, "dials_fail", "refuse", restart_after=6, checkers=(RestartAsked,))
def asks_for_no_restart() -> Iterator[None]:
    with patch.object(Unrest, "exhausted", lambda self, shards: None):
        yield


@canary(1, "dials_fail", "refuse", spoken=Spoken(), sharding=_TWO_EACH, restart_after=12, checkers=(RestartAsked,))
def asks_for_a_restart_too_early() -> Iterator[None]:
    """Each dial counts as often as there are shards."""
    original: Any = Unrest._dials
    with patch.object(Unrest, "_dials", property(lambda self: 3 * original.fget(self))):
        yield


@canary(
    10,
    "slow_consumer",
    rate=40.0,
    memory_limit=20_000,
    limits=Limits(max_queue_size=5_000),
    overflow=Overflow("drop_oldest"),
    checkers=(MemoryBounded,),
)
def gives_all_memory_to_the_queue() -> Iterator[None]:
    with patch.object(Memory, "queue", property(lambda self: 4 * self._limit)):
        yield


@canary(1, "reset", rate=200.0, memory_limit=4096, overflow=Overflow("drop_oldest"), checkers=(ComesBack,))
def drops_the_newest_too() -> Iterator[None]:
    """Of a chunk that is more than the bound by itself, nothing stays."""

    def cut_first(self: ItemQueue, room: int) -> int:
        dropped = len(self._pop_first().items)
        self.dropped += dropped
        return dropped

    with patch.object(ItemQueue, "_cut_first", cut_first):
        yield


@canary(10, "slow_consumer", "ask_snapshot", spoken=Spoken(), snapshots=_QUICK, checkers=(SnapshotsFew,))
def fetches_snapshots_that_nobody_takes() -> Iterator[None]:
    with patch.object(ItemQueue, "snapshots_of", lambda self, stream: 0):
        yield


@canary(10, "reset", rate=40.0, memory_limit=8192, spoken=Spoken(), snapshots=_SLOW, checkers=(MemoryShared,))
def holds_all_for_snapshots() -> Iterator[None]:
    with patch.object(Memory, "resync", property(lambda self: self._config.resync)):
        yield


@canary(
    10,
    "weather",
    "hold_one",
    "rotate",
    rate=40.0,
    legs=2,
    memory_limit=8192,
    rotation=Rotation(overlap_timeout=30.0),
    spoken=Spoken(),
    sharding=_TWO_EACH,
    weather=Weather(delay=0.5),
    checkers=(MemoryShared,),
)
def gives_each_shard_what_is_for_all() -> Iterator[None]:
    def init(self: Merge, *, by_stream: bool, overlap: float, bound: int) -> None:
        original(self, by_stream=by_stream, overlap=overlap, bound=64 * bound)

    original = Merge.__init__
    with patch.object(Merge, "__init__", init):
        yield
