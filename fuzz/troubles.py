"""What can go wrong on a voyage. Each trouble strikes at a moment; if it lasts, it is over by itself or when healed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fuzz.dials import others_dial
from fuzz.doors import redirect, shut_door
from fuzz.leg_troubles import LEG_TROUBLES
from fuzz.stream_troubles import STREAM_TROUBLES
from holdfast.testing import CloseWith, GoSilent, IgnorePings, MuteData, RefuseDials
from holdfast.testing.world import Chance, Dialling

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

Trouble = Callable[["Voyage", Chance], None]


def _reset(voyage: Voyage, chance: Chance) -> None:
    voyage.reset_links()


def _finish(voyage: Voyage, chance: Chance) -> None:
    for link in voyage.links():
        link.finish()


def _hold(voyage: Voyage, chance: Chance) -> None:
    """The network stalls, in one direction or in both, for seconds or for good."""
    seconds = chance.choice((1.0, 4.0, 15.0, 60.0, 600.0, float("inf")))
    direction = chance.below(3)
    voyage.hold(voyage.now + seconds, upward=direction != 0, downward=direction != 1)


def _close(voyage: Voyage, chance: Chance) -> None:
    voyage.strike(CloseWith(chance.choice((1000, 1001, 1011, 1012, 1013)), "voyage"))


def _policy_close(voyage: Voyage, chance: Chance) -> None:
    voyage.strike(CloseWith(chance.choice((1002, 1003, 1007, 1008, 1009, 4000, 4999)), "voyage"))


def _flap(voyage: Voyage, chance: Chance) -> None:
    """The server takes every connection and closes it at once, for a while."""
    for number in range(1 + chance.below(60)):
        voyage.later(number * 0.25, lambda: voyage.strike(CloseWith(1000)))


def _silence(voyage: Voyage, chance: Chance) -> None:
    voyage.withhold(GoSilent(chance.choice((1.0, 10.0, 60.0, 300.0))))


def _mute(voyage: Voyage, chance: Chance) -> None:
    voyage.withhold(MuteData(chance.choice((10.0, 60.0, 700.0))))


def _no_pongs(voyage: Voyage, chance: Chance) -> None:
    voyage.strike(IgnorePings(chance.choice((10.0, 60.0, 300.0))))


def _refuse(voyage: Voyage, chance: Chance) -> None:
    """Dials get an HTTP error for a while, and something happens to the connection."""
    retry_after = chance.choice((None, 1, 7, 30))
    voyage.strike(RefuseDials(chance.choice((2.0, 20.0, 90.0)), chance.choice((418, 429, 500, 502, 503)), retry_after))
    _reset(voyage, chance)


def _dials_fail(voyage: Voyage, chance: Chance) -> None:
    how = chance.choice((Dialling.REFUSED, Dialling.HANGS, Dialling.DNS_FAILS, Dialling.TLS_FAILS))
    voyage.shut(how)
    voyage.later(chance.choice((1.0, 10.0, 60.0, 300.0)), voyage.answer_dials)
    if chance.chance(0.7):
        _reset(voyage, chance)


def _stall(voyage: Voyage, chance: Chance) -> None:
    voyage.process.stall(chance.choice((0.25, 0.5, 2.0, 10.0, 60.0, 1800.0)))


def _hiccups(voyage: Voyage, chance: Chance) -> None:
    """Many short stalls: a loop that is busy half of its time."""
    for number in range(20):
        voyage.later(number * 2.0, lambda: voyage.process.stall(chance.choice((0.25, 0.5, 1.0))))


def _spurious(voyage: Voyage, chance: Chance) -> None:
    for number in range(10):
        voyage.later(number * 0.25, voyage.process.tick)


def _slow_consumer(voyage: Voyage, chance: Chance) -> None:
    voyage.process.consumer_pause = chance.choice((0.5, 5.0, 60.0))
    voyage.process.consumer_limit = chance.choice((1, 10, 1000))
    voyage.later(chance.choice((60.0, 900.0)), voyage.hurry_consumer)


def _garbage(voyage: Voyage, chance: Chance) -> None:
    """Bytes that no server may send, in the middle of the stream. (Random ones may make a message: see "readers".)"""
    junk = chance.choice(
        (
            b"\xff" * 14,  # reserved bits and opcode; a whole header, or it would swallow what comes next
            b"\x81\x85\x00\x00\x00\x00hello",  # masked
            b"\x81\x02\xc3\x28",  # not UTF-8
            b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),  # a terabyte announced
            b"\x80\x00",  # continuation of nothing
            b"\x83\x00",  # reserved opcode
            b"\x89\x7e\x00\x80",  # a ping that is too long
        )
    )
    for link in voyage.links():
        link.downward.put(junk)


TROUBLES: dict[str, Trouble] = {
    "close": _close,
    "dials_fail": _dials_fail,
    "finish": _finish,
    "flap": _flap,
    "garbage": _garbage,
    "hiccups": _hiccups,
    "hold": _hold,
    "mute": _mute,
    "no_pongs": _no_pongs,
    "others_dial": others_dial,
    "policy_close": _policy_close,
    "redirect": redirect,
    "refuse": _refuse,
    "reset": _reset,
    "shut_door": shut_door,
    "silence": _silence,
    "slow_consumer": _slow_consumer,
    "spurious": _spurious,
    "stall": _stall,
    **STREAM_TROUBLES,
    **LEG_TROUBLES,
}
