"""Machines with a planted fault that shows where messages are numbered, need snapshots, or come from several places."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from fuzz.canary import canary
from fuzz.checkers.p01_comes_back import ComesBack
from fuzz.checkers.p08_numbers_told import HolesTold, NumbersTold
from fuzz.checkers.p08_snapshots_follow import SnapshotsFollow
from fuzz.dialect import Spoken
from fuzz.number_plan import DrawnDoors, DrawnResync
from holdfast import Overflow, Retry, ServiceLimits
from holdfast.supervisor import redial
from holdfast.supervisor.positions import Positions
from holdfast.supervisor.redial import Redial
from holdfast.supervisor.resyncs import Resyncs
from holdfast.supervisor.sequences import Sequences
from holdfast.testing.world import Dialling

_NUMBERED = Spoken(numbers=True)
_COUNTED = Spoken(key="id", limits=ServiceLimits(counts=True))
_SNAPSHOTS = DrawnResync(("*",), timeout=10.0, at_once=4, pauses=(0.0, 5.0), fails=0.0)
_FAILING = DrawnResync(("*",), timeout=10.0, at_once=4, pauses=(0.0,), fails=0.5)
_PAUSE = Overflow("pause")
_ONE_SHUT = DrawnDoors(2, (0, Dialling.REFUSED), always=True)


@canary(1, "policy_close", doors=_ONE_SHUT, retry=Retry(max_policy_closes=1), checkers=(ComesBack,))
def gives_a_name_up_for_ever() -> Iterator[None]:
    """While another one only refuses connections."""
    with patch.object(redial, "_STRUCK_OUT_FOR", math.inf):
        yield


@canary(1, "reset", doors=_ONE_SHUT, checkers=(ComesBack,))
def knocks_at_one_door_only() -> Iterator[None]:
    original = Redial._choose
    with patch.object(Redial, "_choose", lambda self, first, now: original(self, 0, now)):
        yield


@canary(8, "leave_out", spoken=_NUMBERED, check_sequences=True, overflow=_PAUSE, checkers=(NumbersTold,))
def overlooks_missing_numbers() -> Iterator[None]:
    with patch.object(Sequences, "_look_at", lambda self, update, stream, now: None):
        yield


@canary(8, "reset", rate=20.0, spoken=_NUMBERED, check_sequences=True, overflow=_PAUSE, checkers=(NumbersTold,))
def blames_the_service() -> Iterator[None]:
    """For what was lost with a connection."""
    with patch.object(Sequences, "declared", lambda self, gap: None):
        yield


@canary(8, "begin_anew", "leave_out", spoken=_NUMBERED, check_sequences=True, overflow=_PAUSE, checkers=(NumbersTold,))
def is_deaf_after_a_new_beginning() -> Iterator[None]:
    with patch.object(Sequences, "_begins_anew", lambda self, latest, update: False):
        yield


@canary(8, "lose_numbered", rate=20.0, spoken=_COUNTED, checkers=(HolesTold,))
def overlooks_holes() -> Iterator[None]:
    with patch.object(Positions, "note", lambda self, reading, now: None):
        yield


@canary(8, "reset", rate=20.0, spoken=Spoken(), snapshots=_SNAPSHOTS, checkers=(SnapshotsFollow,))
def goes_on_behind_a_gap() -> Iterator[None]:
    with patch.object(Resyncs, "declared", lambda self, gap, streams, now: None):
        yield


@canary(8, "flap", rate=20.0, spoken=Spoken(), snapshots=_SNAPSHOTS, checkers=(SnapshotsFollow,))
def takes_a_snapshot_of_before_a_gap() -> Iterator[None]:
    with patch.object(Resyncs, "_again", lambda self, held: None):
        yield


@canary(8, "reset", spoken=Spoken(), snapshots=_FAILING, checkers=(SnapshotsFollow,))
def asks_for_a_snapshot_once() -> Iterator[None]:
    def fail(self: Resyncs, held: Any, *rest: Any) -> None:
        original(self, held, *rest)
        self._ready.pop(held.name, None)

    original = Resyncs._fail
    with patch.object(Resyncs, "_fail", fail):
        yield
