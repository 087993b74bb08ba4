"""Machines with a planted fault that shows where there is something to do before a dial, or it leads elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from fuzz.canary import canary
from fuzz.checkers.p01_dialled_as_told import PostponedInTime, TokensFresh
from fuzz.checkers.p02_redirects_followed import RedirectsFollowed
from fuzz.checkers.p06_greeted_first import GreetedFirst
from fuzz.dial_plan import DrawnDials
from fuzz.dialect import Spoken
from fuzz.number_plan import DrawnDoors
from holdfast import Endpoint
from holdfast.connection.connection import Connection
from holdfast.source import EndpointMaker
from holdfast.supervisor.leg import Leg
from holdfast.supervisor.redial import Redial
from holdfast.verdicts import Action, Verdict

_MADE = DrawnDials(makes=True, pauses=(0.0, 2.0), fails=0.2)
_GREETED = DrawnDials(greets=True, pauses=(0.0, 2.0), fails=0.2)
_SHARED = DrawnDials(shared=True)


@canary(1, "reset", dials=_MADE, checkers=(TokensFresh,))
def dials_with_an_old_token() -> Iterator[None]:
    """An endpoint is made once."""
    made: list[Endpoint] = []

    async def call(self: EndpointMaker) -> Endpoint:
        if not made:
            made.append(await original(self))
        return made[0]

    original = EndpointMaker.__call__
    with patch.object(EndpointMaker, "__call__", call):
        yield


@canary(1, "others_dial", dials=_SHARED, checkers=(PostponedInTime,))
def dials_before_others_let_it() -> Iterator[None]:
    def postponed(self: Leg, connection: Any, until: float, now: float) -> None:
        original(self, connection, now + (until - now) / 2, now)

    original = Leg.postponed
    with patch.object(Leg, "postponed", postponed):
        yield


@canary(1, "others_dial", dials=_SHARED, checkers=(PostponedInTime,))
def counts_dials_that_were_put_off() -> Iterator[None]:
    def postponed(self: Leg, *rest: Any) -> None:
        original(self, *rest)
        self._tally.dials += 1

    original = Leg.postponed
    with patch.object(Leg, "postponed", postponed):
        yield


@canary(2, "redirect", doors=DrawnDoors(3), checkers=(RedirectsFollowed,))
def follows_in_a_circle() -> Iterator[None]:
    def follow(self: Redial, *rest: Any) -> Any:
        self._redirects = 0
        return original(self, *rest)

    original = Redial._follow
    with patch.object(Redial, "_follow", follow):
        yield


@canary(2, "redirect", doors=DrawnDoors(2), checkers=(RedirectsFollowed,))
def follows_no_redirect() -> Iterator[None]:
    def judge(self: Redial, *rest: Any) -> Verdict:
        verdict = original(self, *rest)
        return Verdict(Action.RETRY) if verdict.action is Action.FOLLOW else verdict

    original = Redial._judge
    with patch.object(Redial, "_judge", judge):
        yield


@canary(6, "reset", spoken=Spoken(), dials=_GREETED, checkers=(GreetedFirst,))
def goes_on_after_a_greeting_in_vain() -> Iterator[None]:
    def on_connect_done(self: Connection, failure: Any, *rest: Any) -> Any:
        return original(self, None, *rest)

    original = Connection.on_connect_done
    with patch.object(Connection, "on_connect_done", on_connect_done):
        yield
