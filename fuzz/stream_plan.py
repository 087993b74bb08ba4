"""What the streams of a voyage are, and what the dialect of its service demands, all of it drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fuzz.dialect import Acks, Spoken
from fuzz.effort import hush
from holdfast import Deflate, MessageWindow, Patience, ServiceLimits, Subscribing
from holdfast.testing.world import Chance

SHARE_WITH_STREAMS = 0.5  # of all voyages

_ACKS: tuple[Acks, ...] = ("whole", "whole", "each", "each", "snapshot")
_WINDOWS = ((5, 1.0), (10, 1.0), (3, 2.0), (2, 1.0))  # messages, seconds; the first is Binance's


@dataclass(frozen=True)
class Drawn:
    """As in `Plan`. `message_limit`, `subscribe_within`, `max_streams`, `compress`: of the service's rules."""

    streams: tuple[str, ...]
    wanted: tuple[str, ...]
    in_url: tuple[str, ...]
    spoken: Spoken
    subscribing: Subscribing
    compression: Deflate | None
    message_limit: tuple[int, float] | None
    subscribe_within: float | None
    max_streams: int | None
    compress: bool


def draw_streams(chance: Chance, rate: float) -> Drawn:
    """`rate`: messages a second of all streams together."""
    streams = tuple(f"s{number}" for number in range(2 + chance.below(10)))
    most = chance.choice((None, None, None, 1 + chance.below(len(streams))))
    acks = chance.choice(_ACKS)
    window = _draw_window(chance) if chance.chance(0.7) else None
    spoken = Spoken(
        acks=acks,
        numbered=acks == "whole" or (acks == "each" and chance.chance(0.5)),
        lists=chance.chance(0.6),
        batch=chance.choice((1, 3, 10, 100)),
        pings=chance.chance(0.3),
        limits=ServiceLimits(
            max_streams=most,
            message_window=window,
            ping_every=chance.choice((None, 15.0, 20.0)),
            always=("beats",) if chance.chance(0.2) else (),
        ),
        patient=_draw_patience(chance, rate, len(streams) / rate),
        quiet=frozenset(stream for stream in streams if chance.chance(0.1)),
    )
    wanted = tuple(stream for stream in streams[1:] if chance.chance(0.6))
    wanted = (streams[0], *wanted)[:most]
    enforced = window is not None and window.counts_control and chance.chance(0.8)
    return Drawn(
        streams=streams,
        wanted=wanted,
        in_url=wanted[: chance.below(4)] if chance.chance(0.25) else (),
        spoken=spoken,
        subscribing=Subscribing(
            ack_timeout=chance.choice((2.5, 5.0, 10.0)),
            max_asks=chance.choice((2, 3)),
            audit_every=chance.choice((None, 30.0, 120.0, 600.0)),
        ),
        compression=Deflate(threshold=chance.choice((1, 1024))) if chance.chance(0.3) else None,
        message_limit=(window.count, window.period) if window is not None and enforced else None,
        subscribe_within=chance.choice((5.0, 30.0)) if acks != "whole" and chance.chance(0.2) else None,
        max_streams=len(wanted) + len(spoken.limits.always) if chance.chance(0.15) else None,
        compress=chance.chance(0.7),
    )


def _draw_window(chance: Chance) -> MessageWindow:
    count, period = chance.choice(_WINDOWS)
    return MessageWindow(count, period, counts_control=chance.chance(0.8))


def _draw_patience(chance: Chance, rate: float, period: float) -> Patience:
    """Longer than every stream's own pauses, of `period` seconds."""
    if chance.chance(0.2):
        return Patience()
    first = chance.choice((None, 5.0, 30.0, hush(600.0, rate)))
    silence = chance.choice((5.0, 20.0, 120.0))
    least = math.ceil(3 * period)
    return Patience(None if first is None else max(first, least), max(silence, least))
