"""What a situation asks of a client, in words that every library has one for, or has none for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """None is the library's default. Times are seconds.

    `ping`: the interval, and how long to wait for the answer. `close_timeout`: for closing. `queue`: how many messages
    may wait for the consumer; `size`: characters of each. `retry_pause`: between two dials. `overflow` and
    `queue_bytes` are Holdfast's alone.
    """

    ping: tuple[float, float] | None = None
    close_timeout: float | None = None
    queue: int | None = None
    size: int = 100
    retry_pause: float | None = None
    overflow: str | None = None
    queue_bytes: int | None = None
