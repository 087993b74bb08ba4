"""Whether the peer lives.

Keepalive never compares clocks with the peer: a ping goes out every `interval`; if then *nothing* arrives for
`timeout`, the peer is gone. While a ping is unanswered the connection asks to be woken in steps of a quarter of the
timeout, so that a stall of our own process shows as a late step, and is added to the deadline.
"""

from __future__ import annotations

import math

_STEPS_PER_TIMEOUT = 4


class Liveness:
    """The latest ping, and until when something has to arrive. `timeout` in seconds."""

    __slots__ = ("_deadline", "_payload", "_pings", "_timeout", "awaiting", "pinged_at")

    def __init__(self, timeout: float, now: float) -> None:
        self.awaiting = False  # a ping is out, and nothing has arrived since
        self.pinged_at = now
        self._timeout = timeout
        self._deadline = now
        self._pings = 0
        self._payload: bytes | None = None  # of a ping that was not answered yet

    def ping(self, now: float, *, judged: bool) -> bytes:
        """The payload of a ping that goes out now. `judged`: the peer is gone if nothing arrives in time."""
        self._pings += 1
        self._payload = self._pings.to_bytes(4, "big")
        self.pinged_at = now
        if judged:
            self.awaiting = True
            self._deadline = now + self._timeout
        return self._payload

    def round_trip(self, payload: bytes, now: float) -> float | None:
        """Seconds since the latest ping, if this pong is the first that answers it."""
        if payload != self._payload:
            return None
        self._payload = None
        return now - self.pinged_at

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look."""
        self._deadline += late

    def is_over(self, now: float) -> bool:
        return self.awaiting and now >= self._deadline

    def next_look(self, now: float) -> float:
        """When to ask `is_over` again; inf while nothing is awaited."""
        return min(self._deadline, now + self._timeout / _STEPS_PER_TIMEOUT) if self.awaiting else math.inf
