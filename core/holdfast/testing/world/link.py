"""A TCP connection between two machines: two pipes, and what a network does to them. Order is kept; time is not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from holdfast.testing.world.chance import Chance
from holdfast.testing.world.schedule import Appointment, Schedule


@dataclass(frozen=True, slots=True)
class Weather:
    """How a network treats connections. Times are seconds.

    `delay` in each direction; `jitter` is added at random, and never reorders. `split`: the probability that what
    arrives together is cut into pieces, down to single bytes.
    """

    delay: float = 0.0
    jitter: float = 0.0
    split: float = 0.0


class Pipe:
    """One direction. `deliver(data)` is called for what arrives; `end(broken)` once, when nothing more can."""

    def __init__(
        self,
        schedule: Schedule,
        chance: Chance,
        weather: Weather,
        deliver: Callable[[bytes], None],
        end: Callable[[bool], None],
    ) -> None:
        self._schedule = schedule
        self._chance = chance
        self._weather = weather
        self._deliver = deliver
        self._end = end
        self._underway: deque[tuple[float, bytes | None]] = deque()  # None stands for the end of the stream
        self._last_arrival = 0.0
        self._held_until = 0.0
        self._dead = False
        self._is_broken = False
        self._breaking: Appointment | None = None  # the other end's news of an RST, on its way

    def put(self, data: bytes | None) -> None:
        """Bytes sent now, or None for the end of the stream (FIN)."""
        if self._dead:
            return
        delay = self._weather.delay
        if self._weather.jitter:
            delay += self._weather.jitter * self._chance.random()
        # What is sent arrives behind what was sent before.
        at = self._last_arrival = max(self._last_arrival, self._schedule.now + delay)
        self._underway.append((at, data))
        if len(self._underway) == 1 and not self._is_held:
            self._schedule.call_at(at, self._arrive)

    def hold(self, until: float) -> None:
        """Nothing arrives before that time: a stall, or a black hole if it is far away. TCP then repeats it all."""
        self._held_until = max(self._held_until, until)
        if self._held_until < math.inf:
            self._schedule.call_at(self._held_until, self._arrive)

    def release(self) -> None:
        """The network is mended: what was held goes on."""
        if self._is_held:
            self._held_until = self._schedule.now
            self._schedule.call_in(0.0, self._arrive)
            if self._is_broken:  # which was held back, too
                if self._breaking is not None:
                    self._breaking.cancel()
                self._breaking = self._schedule.call_in(self._weather.delay, lambda: self._end(True))

    def break_off(self) -> None:
        """RST: what is under way is lost, and the other end learns of it, unless the network holds that back too."""
        self._underway.clear()
        if not self._dead:
            self._dead = True
            at = max(self._schedule.now + self._weather.delay, self._held_until)
            if at < math.inf:
                self._breaking = self._schedule.call_at(at, lambda: self._end(True))
            self._is_broken = True

    def abandon(self) -> None:
        """The reader is gone: nothing arrives any more, and nobody is told."""
        self._dead = True
        self._is_broken = False
        self._underway.clear()
        if self._breaking is not None:
            self._breaking.cancel()

    @property
    def _is_held(self) -> bool:
        return self._held_until > self._schedule.now

    def _arrive(self) -> None:
        if self._is_held or self._dead:
            return
        now = self._schedule.now
        due: list[bytes] = []
        ended = False
        while self._underway and self._underway[0][0] <= now:
            data = self._underway.popleft()[1]
            if data is None:
                ended = True
                break
            due.append(data)
        if self._underway:
            self._schedule.call_at(self._underway[0][0], self._arrive)
        for piece in self._pieces(b"".join(due)):
            if self._dead:
                return  # what came before made the reader leave
            self._deliver(piece)
        if ended and not self._dead:
            self._dead = True
            self._end(False)

    def _pieces(self, data: bytes) -> list[bytes]:
        if not data:
            return []
        if not self._weather.split or not self._chance.chance(self._weather.split):
            return [data]
        cuts = sorted({self._chance.below(len(data)) for _ in range(self._chance.below(8))} | {0, len(data)})
        return [data[start:stop] for start, stop in pairwise(cuts)]


class Link:
    """Both directions of one connection."""

    def __init__(self, upward: Pipe, downward: Pipe) -> None:
        self.upward = upward  # client to server
        self.downward = downward  # server to client

    def hold(self, until: float, *, upward: bool = True, downward: bool = True) -> None:
        if upward:
            self.upward.hold(until)
        if downward:
            self.downward.hold(until)

    def release(self) -> None:
        self.upward.release()
        self.downward.release()

    def reset(self) -> None:
        """RST to both ends, as a firewall does."""
        self.upward.break_off()
        self.downward.break_off()

    def finish(self) -> None:
        """FIN to both ends, behind what is under way, as a proxy that is shut down does."""
        self.upward.put(None)
        self.downward.put(None)
