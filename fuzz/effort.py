"""How much happens in a second of a voyage: so long that about as much happens in each, quiet ones take weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.plan import Plan

DAY = 24 * 3600.0
LENGTHS = (DAY, 7 * DAY, 14 * DAY, 28 * DAY)  # at most
LONGEST_HUSH = 2000  # messages of all streams, while one of them is in the dark, or may be

_EFFORT = 8000.0  # of a voyage: messages that come alone, each of which costs about 50 µs of a processor
_QUIET = 1.5  # of a second of a quiet voyage, at most
_LOOK = 0.12  # at the clock
_SHORT = 30.0  # seconds
_IN_A_BATCH = 0.2  # of a message that comes with others
_FRAGMENT = 0.1
_PING = 2.0
_TROUBLE = 12.0  # with the dial that often follows
_TROUBLE_WITH_STREAMS = 25.0  # and all is asked for again


def hush(seconds: float, rate: float) -> float:
    """So long, or less where so many messages a second come meanwhile that healing would take most of a voyage."""
    return min(seconds, max(_SHORT, LONGEST_HUSH / rate))


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
    return legs * (reads + pieces + beats + pings) + looks + troubles


def length_of(plan: Plan) -> float:
    """Seconds, at most, of a voyage like this. The quiet ones may take more, up to weeks: what is rare needs time."""
    effort = effort_of(plan)
    return _EFFORT / effort * max(_QUIET / effort, 1.0) ** 2
