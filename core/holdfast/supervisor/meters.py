"""What is measured along the way of messages: per chunk, so that a message costs nothing more."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

from holdfast.stats import LAG_BOUNDS, RTT_BOUNDS, Histogram

INTERVAL = 5.0  # seconds; counts are noted at the multiples of it
INTERVALS = 60  # that are remembered


class Pace:
    """How many messages and bytes came in each of the latest intervals. `note` is for just before more are counted."""

    __slots__ = ("_at", "_began", "_marks", "next_at")

    def __init__(self) -> None:
        self.next_at = 0.0  # when `note` is worth calling: at the first message, and then at the end of an interval
        self._began = 0.0
        self._at = 0  # the number of the latest mark: it was due at so many intervals on the clock
        self._marks: list[tuple[int, int]] = []  # (messages, bytes) until then; an empty deque would be large

    def note(self, messages: int, nbytes: int, now: float) -> None:
        """So many until `now`."""
        number = int(now // INTERVAL)
        if not self._marks:
            self._at, self._began = number - 1, now
        for _ in range(min(number - self._at, INTERVALS + 1)):
            self._marks.append((messages, nbytes))
        del self._marks[: -INTERVALS - 1]
        self._at = number
        self.next_at = (number + 1) * INTERVAL

    def history(self, messages: int, now: float) -> tuple[float, ...]:
        """Messages a second, in each whole interval that is over, oldest first; at most `INTERVALS` of them."""
        if not self._marks:
            return ()
        idle = max(0, int(now // INTERVAL) - self._at)
        counts = [count for count, _ in self._marks] + [messages] * min(idle, INTERVALS + 1)
        counts = counts[-INTERVALS - 1 :]
        return tuple((after - before) / INTERVAL for before, after in pairwise(counts))

    def rates(self, messages: int, nbytes: int, now: float) -> tuple[float, float]:
        """Messages and bytes a second, over the latest 5 to 10 seconds."""
        if not self._marks:
            return 0.0, 0.0
        number = int(now // INTERVAL)
        idle = number - self._at
        if idle >= 2:
            return 0.0, 0.0
        before = self._marks[-1] if idle or len(self._marks) < 2 else self._marks[-2]
        span = max(now - max((number - 1) * INTERVAL, self._began), 1.0)
        return (messages - before[0]) / span, (nbytes - before[1]) / span


class Buckets:
    """A histogram that grows."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts: list[int] | tuple[()] = ()  # none yet
        self._total = 0.0

    def add(self, seconds: float) -> None:
        """One more that took so long."""
        self._counts = self._counts or [0] * (len(self._bounds) + 1)
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    def merge(self, other: Buckets) -> None:
        """Those of another with the same bounds."""
        self._counts = [ours + theirs for ours, theirs in zip(self.read.counts, other.read.counts, strict=True)]
        self._total += other._total

    @property
    def read(self) -> Histogram:
        return Histogram(self._bounds, tuple(self._counts) or (0,) * (len(self._bounds) + 1), self._total)


def round_trips() -> Buckets:
    """For answers to pings."""
    return Buckets(RTT_BOUNDS)


def lags() -> Buckets:
    """For the age of messages when they come."""
    return Buckets(LAG_BOUNDS)


class Uptime:
    """Since when a shard runs, and how much of that time it was open: with any of its connections."""

    __slots__ = ("_began", "_ended", "_open", "_open_for", "_open_since", "connected_at")

    def __init__(self) -> None:
        self.connected_at: float | None = None  # the latest
        self._began: float | None = None
        self._ended: float | None = None
        self._open: list[int] = []  # few
        self._open_since = 0.0
        self._open_for = 0.0

    def started(self, now: float) -> None:
        self._began = now

    def opened(self, conn: int, now: float) -> None:
        self.connected_at = now
        if not self._open:
            self._open_since = now
        self._open.append(conn)

    def gone(self, conn: int, now: float) -> None:
        if conn in self._open:
            self._open.remove(conn)
            if not self._open:
                self._open_for += now - self._open_since

    def ended(self, now: float) -> None:
        for conn in list(self._open):
            self.gone(conn, now)
        if self._ended is None:
            self._ended = now

    def read(self, now: float) -> tuple[float, float]:
        """Seconds since it runs, and seconds of these that it was open."""
        if self._began is None:
            return 0.0, 0.0
        end = now if self._ended is None else self._ended
        return end - self._began, self._open_for + (now - self._open_since if self._open else 0.0)


class StreamTally:
    """What one stream brought to a shard, on all its legs together; `StreamStats` says what each means.

    What a leg has counted since the stream was last acknowledged there is not in it yet.
    """

    __slots__ = ("_at", "_before", "_earlier", "bytes", "heard_at", "lag", "messages")

    def __init__(self) -> None:
        self.messages = self.bytes = 0
        self.heard_at: float | None = None  # the latest message
        self.lag: float | None = None  # of the latest that was looked at
        self._at = -1  # the interval at whose beginning there were `_before`; at the beginning of the one before,
        self._before = self._earlier = 0  # `_earlier`

    def note(self, messages: int, now: float) -> None:
        """As in `Pace`."""
        number = int(now // INTERVAL)
        self._earlier = self._before if number == self._at + 1 else messages
        self._at, self._before = number, messages

    def rate(self, messages: int, now: float) -> float:
        """As in `Pace`."""
        number = int(now // INTERVAL)
        if self._at < 0 or number - self._at >= 2:
            return 0.0
        before = self._earlier if number == self._at else self._before
        return (messages - before) / max(now - (number - 1) * INTERVAL, INTERVAL)
