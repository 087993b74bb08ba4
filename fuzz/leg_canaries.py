"""Machines with a planted fault that shows where several connections carry the same streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from fuzz.canary import canary
from fuzz.checkers.p07_rotation_loses_nothing import NothingLostBetween, RotationKept
from fuzz.checkers.p08_loss_declared import LossDeclared
from fuzz.checkers.p09_order_kept import OrderKept
from fuzz.dialect import Spoken
from holdfast import Keepalive, Rotation
from holdfast.supervisor.confluence import Confluence
from holdfast.supervisor.merge import Merge
from holdfast.supervisor.owed import Owed
from holdfast.supervisor.strand import Hold, Strand
from holdfast.testing.world import Weather

_SPOKEN = Spoken(batch=3, lists=False)
_OFTEN = Rotation(max_age=60.0, jitter=0.5)
_SLOW = Weather(delay=0.5)


@canary(7, rotation=_OFTEN, spoken=_SPOKEN, checkers=(RotationKept,))
def closes_the_old_one_first() -> Iterator[None]:
    def begin(self: Confluence, leg: Any, *rest: Any, **named: Any) -> None:
        old = leg.current
        original(self, leg, *rest, **named)
        old.close(rest[1], 1000, "rotation")

    original = Confluence._begin
    with patch.object(Confluence, "_begin", begin):
        yield


@canary(7, "weather", "rotate", rate=20.0, weather=_SLOW, checkers=(NothingLostBetween,))
def delivers_both_copies() -> Iterator[None]:
    with patch.object(Owed, "bring", lambda self, key: None):
        yield


@canary(7, "weather", "rotate", rate=20.0, weather=_SLOW, spoken=_SPOKEN, checkers=(NothingLostBetween,))
def hands_over_without_proof() -> Iterator[None]:
    """Whoever joins is believed to miss nothing."""

    def join(self: Strand, conn: int, *, proven: bool) -> None:
        original(self, conn, proven=True)

    original = Strand.join
    with patch.object(Strand, "join", join):
        yield


@canary(7, "weather", "rotate", rate=20.0, weather=_SLOW, spoken=_SPOKEN, checkers=(NothingLostBetween,))
def forgets_what_is_held() -> Iterator[None]:
    with patch.object(Hold, "put", lambda self, now, key, message: None):
        yield


@canary(7, legs=3, rotation=Rotation(max_age=60.0, jitter=0.0), checkers=(RotationKept,))
def rotates_all_together() -> Iterator[None]:
    def rotate_next(self: Confluence, now: float) -> None:
        for leg, reason, elsewhere in self._to_rotate:
            self._begin(leg, reason, now, elsewhere=elsewhere)
        self._to_rotate.clear()

    with patch.object(Confluence, "_rotate_next", rotate_next):
        yield


@canary(7, rotation=_OFTEN, spoken=_SPOKEN, checkers=(RotationKept,))
def never_rotates_again() -> Iterator[None]:
    """After the first time."""

    def hand_over(self: Confluence, *rest: Any) -> None:
        original(self, *rest)
        self._rotations._due.clear()

    original = Confluence._hand_over
    with patch.object(Confluence, "_hand_over", hand_over):
        yield


@canary(7, rotation=_OFTEN, spoken=_SPOKEN, keepalive=Keepalive(), checkers=(RotationKept,))
def declares_what_was_not_lost() -> Iterator[None]:
    """It takes no proof from pings, and its streams are quiet."""
    with patch.object(Merge, "ponged", lambda self, conn, pinged_at, now: []):
        yield


@canary(8, "reset_one", "hold_one", rate=20.0, legs=2, weather=_SLOW, checkers=(LossDeclared,))
def takes_every_loss_for_filled() -> Iterator[None]:
    """By whoever is there, though nobody is sure."""
    with patch.object(Merge, "joins_last", lambda self, conn, stream: True):
        yield


@canary(9, "weather", "reset_one", rate=20.0, legs=2, weather=_SLOW, spoken=_SPOKEN, checkers=(OrderKept,))
def delivers_as_it_comes() -> Iterator[None]:
    """From several connections, without looking for copies."""
    with patch.object(Merge, "put", lambda self, conn, messages, nbytes, now: messages):
        yield
