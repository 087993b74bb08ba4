"""Whether the peer lives.

Keepalive never compares clocks with the peer: a ping goes out every `interval`; if then *nothing* arrives for
`timeout`, the peer is gone. While a ping is unanswered the connection asks to be woken in steps of a quarter of the
timeout, so that a stall of our own process shows as a late step, and is added to the deadline.
"""

from __future__ import annotations

import math

_STEPS_PER_TIMEOUT = 4
_REMEMBERED = 16  # pings whose answers may still come


class Liveness:
    """The latest ping, and until when something has to arrive. `timeout` in seconds."""

    __slots__ = ("_deadline", "_pings", "_timeout", "_unanswered", "awaiting", "pinged_at")

    def __init__(self, timeout: float, now: float) -> None:
        self.awaiting = False  # a ping is out, and nothing has arrived since
        self.pinged_at = now
        self._timeout = timeout
        self._deadline = now
        self._pings = 0
        self._unanswered: dict[bytes, float] = {}  # payloads, and when they were sent; the latest last

    def ping(self, now: float, *, judged: bool) -> bytes:
        """The payload of a ping that goes out now. `judged`: the peer is gone if nothing arrives in time."""
        self._pings += 1
        payload = self._pings.to_bytes(4, "big")
        self.pinged_at = self._unanswered[payload] = now
        if len(self._unanswered) > _REMEMBERED:
            del self._unanswered[next(iter(self._unanswered))]
        if judged:
            self.awaiting = True
            self._deadline = now + self._timeout
        return payload

    def round_trip(self, payload: bytes, now: float) -> float | None:
        """Seconds since the ping that this pong is the first to answer; None if there is none such. It answers for all
        that were sent before, too (RFC 6455, 5.5.3: a peer may answer the latest only).
        """
        sent_at = self._unanswered.get(payload)
        while self._unanswered and sent_at is not None:
            earlier = next(iter(self._unanswered))
            del self._unanswered[earlier]
            if earlier == payload:
                break
        return None if sent_at is None else now - sent_at

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look."""
        self._deadline += late

    def is_over(self, now: float) -> bool:
        return self.awaiting and now >= self._deadline

    def next_look(self, now: float) -> float:
        """When to ask `is_over` again; inf while nothing is awaited."""
        return min(self._deadline, now + self._timeout / _STEPS_PER_TIMEOUT) if self.awaiting else math.inf
