"""What can go wrong with the numbers of a service's messages, and with what a user makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fuzz.shard_troubles import SHARD_TROUBLES
from holdfast.testing import LoseData
from holdfast.testing.world import Chance

if TYPE_CHECKING:
    from fuzz.plan import Plan
    from fuzz.voyage import Voyage


def _begin_anew(voyage: Voyage, chance: Chance) -> None:
    """The service numbers one stream, or all, from 1 again; or from a little earlier, where keys are no numbers."""
    service, spoken = voyage.service, voyage.plan.spoken
    if service is None or spoken is None:
        return
    back = chance.below(6) if spoken.key != "number" else 0
    streams = voyage.plan.streams if chance.chance(0.3) else [chance.choice(voyage.plan.streams)]
    for stream in streams:
        published = voyage.exchange.ledger.counts[stream]
        latest = service.number_of(stream, published)
        service.begin_anew(stream, published, max(1, latest + 1 - back) if back else 1)


def _leave_out(voyage: Voyage, chance: Chance) -> None:
    """Numbers that nothing has."""
    if voyage.service is not None:
        voyage.service.leave_out(chance.choice(voyage.plan.streams), 1 + chance.below(5))


def _lose_numbered(voyage: Voyage, chance: Chance) -> None:
    """What the service lost had a number on its connection."""
    voyage.withhold(LoseData(chance.choice((0.5, 10.0, 60.0))))


def _ask_snapshot(voyage: Voyage, chance: Chance) -> None:
    """The user wants new ones, of one stream or of all."""
    user = voyage.user
    if user is not None and user.can_act:
        user.resync(chance.choice(voyage.plan.streams) if chance.chance(0.7) else None)


NUMBER_TROUBLES: dict[str, Callable[[Voyage, Chance], None]] = {
    "ask_snapshot": _ask_snapshot,
    "begin_anew": _begin_anew,
    "leave_out": _leave_out,
    "lose_numbered": _lose_numbered,
}


_RARE = 4.0


def haste(kind: str) -> float:
    """How many times as often it comes as others do: what can occur in few voyages only, comes often in these."""
    return _RARE if kind in NUMBER_TROUBLES or kind in SHARD_TROUBLES else 1.0


def can_occur(kind: str, plan: Plan) -> bool:
    """Whether there is what this trouble is about."""
    if kind == "others_dial":
        return plan.dials.shared
    if kind in ("shut_door", "redirect"):
        return plan.doors.count > 1
    if kind in SHARD_TROUBLES:
        return plan.is_sharded
    if kind == "ask_snapshot":
        return plan.resync is not None
    spoken = plan.spoken
    if kind in ("begin_anew", "leave_out"):
        return spoken is not None and spoken.numbers
    return kind != "lose_numbered" or (spoken is not None and spoken.limits.counts)
