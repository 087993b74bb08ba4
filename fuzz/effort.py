"""How much happens in a second of a voyage, and from that how long it is: minutes where much does, or weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.plan import Plan

DAY = 24 * 3600.0

_LONGEST = 56 * DAY
_LONGEST_HUSH = 2000  # messages of all streams, while one of them is in the dark, or may be
_EFFORT = 5000.0  # of a voyage: messages that come alone, each of which costs about 40 µs of a processor
_MOST = 300_000.0  # of a quiet one
_QUIET = 1.0  # of a second of a quiet voyage, at most
_LOOK = 0.12  # at the clock
_SHORT = 30.0  # seconds
_IN_A_BATCH = 0.2  # of a message that comes with others
_FRAGMENT = 0.1
_PING = 2.0
_TROUBLE = 12.0  # with the dial that often follows
_TROUBLE_WITH_STREAMS = 25.0  # and all is asked for again
_DIAL = 15.0
_SHUT = ("dials_fail", "refuse", "rotate_in_vain", "shut_door")
_SHUT_FOR = 60.0  # seconds, about


def hush(seconds: float, rate: float) -> float:
    """So long, or less where so many messages a second come meanwhile that healing would take most of a voyage."""
    return min(seconds, max(_SHORT, _LONGEST_HUSH / rate))


def effort_of(plan: Plan) -> float:
    """Of one second, in messages that come alone."""
    options, rules = plan.options, plan.rules
    legs = options.get("legs", 1)
    interval = plan.config.keepalive.interval
    reads = min(plan.rate, 1 / plan.flush_every)
    pieces = plan.rate * (_IN_A_BATCH + _FRAGMENT * rules.fragment)
    beats = 0.0 if rules.heartbeat is None else 1 / rules.heartbeat
    pings = _PING * sum(1 / each for each in (interval, plan.server_ping) if each is not None)
    looks = _LOOK / plan.config.stall_after
    trouble = _TROUBLE if plan.spoken is None else _TROUBLE_WITH_STREAMS
    troubles = trouble * sum(1 / pause for pause in plan.pauses.values()) * (1 + legs) / 2
    return legs * (reads + pieces + beats + pings) + looks + troubles + _DIAL * _dials_in_vain(plan)


def _dials_in_vain(plan: Plan) -> float:
    """Of one second, about: while the service is shut, and the pauses between dials do not grow."""
    shut = _SHUT_FOR * sum(1 / pause for kind, pause in plan.pauses.items() if kind in _SHUT)
    backoff, window = plan.config.backoff, plan.config.dial_window
    dials = min(1 / backoff.initial, window.count / window.period) if backoff.factor == 1.0 else 0.0
    return min(1.0, shut) * dials


def length_of(plan: Plan) -> float:
    """Seconds of a voyage like this. The quiet ones may take more, up to weeks: what is rare needs time."""
    effort = effort_of(plan)
    whole = min(_EFFORT * max(_QUIET / effort, 1.0) ** 3, _MOST)
    return min(whole / effort, _LONGEST)
