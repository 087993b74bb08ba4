"""When data arrived, and how much of a silence is not the server's fault."""

from __future__ import annotations

import math


class DataWatch:
    """Data means messages: pings, pongs and handshakes prove that a peer lives, not that it delivers."""

    __slots__ = ("_excused_until", "_first", "_opened_at", "last")

    def __init__(self) -> None:
        self.last: float | None = None  # on any connection
        self._first: float | None = None  # on this one
        self._opened_at = 0.0
        self._excused_until = 0.0  # silence counts from here, unless there was data later

    def opened(self, now: float) -> None:
        """A new connection, from which data is expected."""
        self._first = None
        self._opened_at = self._excused_until = now

    def arrived(self, now: float) -> None:
        """A chunk with messages."""
        self.last = now
        if self._first is None:
            self._first = now

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look."""
        self._excused_until = self.silent_since + late
        if self._first is not None:
            self._first += late

    def resumed(self, now: float) -> None:
        """Until now we did not read."""
        self._excused_until = now

    @property
    def silent_since(self) -> float:
        """From when on silence is the server's."""
        return self._excused_until if self.last is None else max(self._excused_until, self.last)

    @property
    def flowed_for(self) -> float:
        """Seconds from the first to the latest data of this connection."""
        return 0.0 if self._first is None or self.last is None else self.last - self._first

    def missed_for(self, now: float) -> float:
        """Seconds since the latest data of this connection; inf if there was none."""
        return math.inf if self._first is None or self.last is None else now - self.last

    @property
    def missed_since(self) -> float:
        """When data was last seen, or could first have been: excuses do not bring back what was lost."""
        return self._opened_at if self._first is None or self.last is None else self.last
