"""What can go wrong with streams, on voyages that have some; and what their user does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzz.number_troubles import NUMBER_TROUBLES
from fuzz.shard_troubles import SHARD_TROUBLES
from holdfast.testing import LastingFault, Outgoing
from holdfast.testing.world import Chance

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


DARKNESS = (30.0, 300.0, 1200.0)  # seconds; see `Plan.longest_hush`


@dataclass(frozen=True, slots=True)
class LoseReplies(LastingFault):
    """Requests are carried out, and nobody says so. Data and heartbeats go on."""

    def withholds(self, outgoing: Outgoing) -> bool:
        return outgoing is Outgoing.REPLY

    def __str__(self) -> str:
        return f"answers no request for {self.seconds:g} s, but does what it is asked"


def _lose_replies(voyage: Voyage, chance: Chance) -> None:
    voyage.strike(LoseReplies(chance.choice((1.0, 5.0, 20.0, 60.0))))
    if chance.chance(0.5):
        _user(voyage, chance)  # or there may be nothing to answer


def _choose_client(voyage: Voyage, chance: Chance) -> None:
    """Where there may be several."""
    if voyage.service is not None and voyage.plan.is_manifold:
        voyage.service.choose(chance.below(4))


def _lose_stream(voyage: Voyage, chance: Chance) -> None:
    """A subscription is gone in silence."""
    _choose_client(voyage, chance)
    if voyage.service is not None and (streams := voyage.noticeable_losses()):
        voyage.service.lose(chance.choice(streams))


def _forget_all(voyage: Voyage, chance: Chance) -> None:
    if voyage.service is not None:
        for stream in voyage.noticeable_losses():
            voyage.service.lose(stream)


def _mute_stream(voyage: Voyage, chance: Chance) -> None:
    """One stream brings nothing, until it is asked for anew, or until the service has mended it."""
    service = voyage.service
    streams = [stream for stream in voyage.watched_streams() if stream in voyage.wanted()]
    if service is None or not streams:
        return
    stream = chance.choice(streams)
    if chance.chance(0.5):
        _choose_client(voyage, chance)
        service.mute(stream)
    else:
        service.darken(stream)
        voyage.later(voyage.plan.longest_hush(chance.choice(DARKNESS)), lambda: service.light(stream))


def _ban(voyage: Voyage, chance: Chance) -> None:
    """One stream is refused for a while, from the next request for it on."""
    service, streams = voyage.service, voyage.plan.streams[1:]
    if service is None or not streams:
        return
    stream = chance.choice(streams)
    service.banned.add(stream)
    voyage.later(chance.choice((10.0, 120.0, 900.0)), lambda: service.banned.discard(stream))
    if chance.chance(0.5):
        voyage.reset_links()


def _break_batch(voyage: Voyage, chance: Chance) -> None:
    """The connection breaks, and the next one as well, in the middle of the requests."""
    if voyage.service is not None:
        voyage.service.break_in = 1 + chance.below(4)
        voyage.reset_links()


def _user(voyage: Voyage, chance: Chance) -> None:
    """The user wants other streams, or the same, and waits for some of them or does not."""
    user = voyage.user
    if user is None or not user.can_act:
        return
    # The first stays: a voyage without any data proves little.
    others = [stream for stream in voyage.plan.streams[1:] if chance.chance(0.4)]
    gone = [stream for stream in others if stream in user.wanted]
    new = [stream for stream in others if stream not in user.wanted]
    match chance.below(4):
        case 0:
            user.unsubscribe(*gone)
        case 1:
            user.unsubscribe(*gone)
            user.subscribe(*gone)
        case 2:
            user.unsubscribe(*gone)
            user.subscribe(*voyage.as_many_as_fit(new))
        case _:
            user.subscribe(*voyage.as_many_as_fit(new))
    if chance.chance(0.5):
        awaited = [stream for stream in others if stream in user.wanted]
        user.wait(*awaited, seconds=chance.choice((0.25, 2.0, 10.0, 60.0)))


STREAM_TROUBLES: dict[str, Callable[[Voyage, Chance], None]] = {
    "ban": _ban,
    "break_batch": _break_batch,
    "forget_all": _forget_all,
    "lose_replies": _lose_replies,
    "lose_stream": _lose_stream,
    "mute_stream": _mute_stream,
    "user": _user,
    **NUMBER_TROUBLES,
    **SHARD_TROUBLES,
}
