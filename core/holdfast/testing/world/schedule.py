"""One simulated clock, and what happens when. Nothing ever waits."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Appointment:
    """Something that will happen, unless it is cancelled."""

    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Schedule:
    """Appointments in order of time; those of one moment in the order in which they were made."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._made = 0
        self._heap: list[tuple[float, int, Appointment]] = []

    def call_at(self, at: float, call: Callable[[], None]) -> Appointment:
        """At that time, or now if it has passed."""
        if at < self.now:
            at = self.now
        appointment = Appointment(at, call)
        self._made += 1
        heappush(self._heap, (at, self._made, appointment))
        return appointment

    def call_in(self, seconds: float, call: Callable[[], None]) -> Appointment:
        return self.call_at(self.now + seconds, call)

    def run(self, until: float, stop: Callable[[], bool] | None = None) -> None:
        """Let everything up to and including `until` happen; `stop` is asked after each."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            at, _, appointment = heappop(heap)
            if (call := appointment.call) is None:
                continue
            self.now = at
            call()
            if stop is not None and stop():
                return
        self.now = max(self.now, until)
