"""Machines with a planted fault that shows where the streams of a feed need several connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from fuzz.canary import after, canary
from fuzz.checkers.p01_comes_back import ComesBack
from fuzz.checkers.p02_never_storms import NeverStorms
from fuzz.checkers.p02_unrest_told import UnrestTold
from fuzz.checkers.p06_allotted import Allotted
from fuzz.checkers.p06_as_wanted import AsWanted
from fuzz.checkers.p07_rotation_loses_nothing import RotationKept
from fuzz.checkers.p08_loss_declared import LossDeclared
from fuzz.dialect import Spoken
from fuzz.number_plan import DrawnDoors
from holdfast import Gap, Rebalance, Rotation, Sharding
from holdfast.fleet.allotment import Allotment, Bounds
from holdfast.fleet.shards import Shards
from holdfast.fleet.unrest import Unrest
from holdfast.supervisor import Supervisor
from holdfast.supervisor.redial import Redial

_SPOKEN = Spoken(batch=3, lists=False)
_TWO_EACH = Sharding(max_streams_per_connection=2)
_TWO_EACH_OF_THREE = replace(_TWO_EACH, max_connections=3)  # there is room for what is wanted to begin with
_SOON = Rebalance(after=3, factor=3.0, period=600.0, tell_after=3)


@canary(1, "user", spoken=_SPOKEN, sharding=_TWO_EACH, checkers=(ComesBack,))
def opens_no_shard_later() -> Iterator[None]:
    """Those to begin with are the only ones that dial."""

    def start(self: Supervisor, now: float) -> None:
        if now <= 1000.0:  # when the world begins
            original(self, now)

    original = Supervisor.start
    with patch.object(Supervisor, "start", start):
        yield


@canary(2, "flap", "reset", spoken=_SPOKEN, sharding=_TWO_EACH, checkers=(NeverStorms,))
def takes_a_sibling_for_its_own_health() -> Iterator[None]:
    """A shard that opens excuses those that fail."""
    all_: list[Redial] = []

    def opened(self: Redial) -> None:
        original(self)
        for one in all_:
            if one is not self:
                one._start_anew()

    original = Redial.opened
    with after(Redial, "__init__", lambda self, *_: all_.append(self)), patch.object(Redial, "opened", opened):
        yield


@canary(6, "user", spoken=_SPOKEN, sharding=_TWO_EACH, checkers=(Allotted,))
def fills_a_shard_beyond_its_bound() -> Iterator[None]:
    original = Allotment._takes
    with patch.object(Allotment, "_takes", lambda self, *rest: min(len(rest[-1]), original(self, *rest) + 1)):
        yield


@canary(6, "user", spoken=_SPOKEN, sharding=_TWO_EACH, checkers=(Allotted,))
def sorts_its_streams_anew() -> Iterator[None]:
    """When there are more, as if all were new."""

    def add(self: Allotment, streams: Any) -> None:
        all_ = [*self._shards, *streams]
        self._take_out(list(self._shards))
        original(self, sorted(all_, reverse=len(all_) % 2 == 0))

    original = Allotment.add
    with patch.object(Allotment, "add", add):
        yield


@canary(6, "user", "want_all", spoken=_SPOKEN, sharding=_TWO_EACH_OF_THREE, checkers=(Allotted,))
def opens_more_connections_than_it_may() -> Iterator[None]:
    with after(Bounds, "__init__", lambda self, *_: setattr(self, "shards", self.shards + 1)):
        yield


@canary(6, "user", "want_all", spoken=_SPOKEN, sharding=_TWO_EACH_OF_THREE, checkers=(Allotted,))
def refuses_what_has_room() -> Iterator[None]:
    """Once it has refused something."""

    def no_room(self: Allotment, *rest: Any) -> str:
        self.bounds.shards -= 1
        return original(self, *rest)

    original = Allotment._no_room
    with patch.object(Allotment, "_no_room", no_room):
        yield


@canary(6, "user", "want_all", spoken=_SPOKEN, sharding=_TWO_EACH_OF_THREE, checkers=(Allotted,))
def keeps_half_of_what_found_no_room() -> Iterator[None]:
    original = Allotment.remove, Allotment._take_out

    def remove(self: Allotment, streams: Any) -> Any:
        with patch.object(Allotment, "_take_out", original[1]):
            return original[0](self, streams)

    with patch.object(Allotment, "remove", remove), patch.object(Allotment, "_take_out", lambda self, streams: {}):
        yield


@canary(6, "user", spoken=_SPOKEN, sharding=_TWO_EACH, checkers=(AsWanted,))
def keeps_a_shard_without_streams() -> Iterator[None]:
    """Its connection goes on, and the service with it."""
    with patch.object(Supervisor, "retire", lambda self, now: None):
        yield


@canary(7, "rotate", spoken=_SPOKEN, sharding=_TWO_EACH, rotation=Rotation(), checkers=(RotationKept,))
def rotates_all_shards_together() -> Iterator[None]:
    def rotate(self: Shards, now: float) -> None:
        for shard in self._running.values():
            shard.rotate(now)
            self.touched(shard, now)

    with patch.object(Shards, "rotate", rotate):
        yield


@canary(8, "reset_one", rate=20.0, spoken=_SPOKEN, sharding=_TWO_EACH, checkers=(LossDeclared,))
def declares_it_in_another_shard() -> Iterator[None]:
    """A gap names the shard that has nothing to do with it."""

    def emit(self: Supervisor, event: Any) -> None:
        if isinstance(event, Gap) and self.number is not None:
            number = self.number
            self.number = number % 3 + 1
            original(self, event)
            self.number = number
        else:
            original(self, event)

    original = Supervisor.emit
    with patch.object(Supervisor, "emit", emit):
        yield


@canary(
    2,
    "restless_shard",
    spoken=_SPOKEN,
    sharding=_TWO_EACH,
    doors=DrawnDoors(2),
    rebalance=_SOON,
    checkers=(UnrestTold,),
)
def leaves_a_restless_shard_where_it_is() -> Iterator[None]:
    with patch.object(Unrest, "restless", lambda self, shards: None):
        yield


@canary(
    2,
    "reset",
    "restless_shard",
    spoken=_SPOKEN,
    sharding=_TWO_EACH,
    doors=DrawnDoors(2),
    rebalance=_SOON,
    checkers=(UnrestTold,),
)
def moves_whoever_lost_its_connection() -> Iterator[None]:
    """As often as all others did."""

    def restless(self: Unrest, shards: Any) -> Any:
        self._setting = replace(_SOON, factor=1.0)
        return original(self, shards)

    original = Unrest.restless
    with patch.object(Unrest, "restless", restless):
        yield


@canary(2, "reset", rebalance=_SOON, checkers=(UnrestTold,))
def tells_of_no_unrest() -> Iterator[None]:
    with patch.object(Unrest, "unsteady", lambda self, shards, now: None):
        yield
