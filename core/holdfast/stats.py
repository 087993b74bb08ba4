"""What `feed.stats()` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedStats:
    """One feed at one moment. Ages and times are seconds, None where there was no such thing yet.

    `state`: idle, connecting, open, waiting, closing or closed. `attempt`: dials since the last healthy connection.
    `dropped`: messages, by `Overflow`. `losses`: connections and dials that failed, by cause. `received_bytes`: on the
    wire, frame headers included.
    """

    state: str
    messages: int
    received_bytes: int
    queued_messages: int
    queued_bytes: int
    dropped: int
    dials: int
    connections: int
    attempt: int
    gaps: int
    stalls: int
    losses: Mapping[str, int]
    connected_for: float | None
    data_age: float | None
    byte_age: float | None
    rtt: float | None
    last_failure: str | None
