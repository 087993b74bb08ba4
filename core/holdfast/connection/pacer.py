"""What we send, kept within the service's message window: pongs first, the rest in order."""

from __future__ import annotations

import math
from collections import deque

from holdfast.settings import MessageWindow
from holdfast.window import RollingWindow


class Pacer:
    """Holds frames back until the window has room. `take` gives those that may be written now."""

    __slots__ = ("_pong", "_reserve", "_waiting", "_window", "counts_control", "size")

    def __init__(self, setting: MessageWindow) -> None:
        self._window = RollingWindow(setting.count, setting.period + setting.margin)
        self._reserve = setting.reserve
        self._pong: bytes | None = None
        self._waiting: deque[bytes] = deque()
        self.counts_control = setting.counts_control
        self.size = 0  # bytes that wait

    def put(self, frame: bytes) -> None:
        """To be sent behind all that waits."""
        self._waiting.append(frame)
        self.size += len(frame)

    def put_pong(self, frame: bytes) -> None:
        """To be sent first; only the latest pong matters (RFC 6455 section 5.5.3)."""
        self._pong = frame

    def take(self, now: float) -> list[bytes]:
        """What may be sent now."""
        taken: list[bytes] = []
        if self._pong is not None and self._window.free_at(now) <= now:
            taken.append(self._pong)
            self._pong = None
            self._window.note(now)
        while self._waiting and self._window.free_at(now, self._reserve) <= now:
            frame = self._waiting.popleft()
            self.size -= len(frame)
            taken.append(frame)
            self._window.note(now)
        return taken

    def free_at(self, now: float) -> float:
        """When something new may be sent at once: `now`, or the time at which to ask again."""
        return self._window.free_at(now, self._reserve)

    def note(self, now: float) -> None:
        """Something was sent that did not wait here."""
        self._window.note(now)

    def next_at(self, now: float) -> float:
        """When to `take` again; inf if nothing waits."""
        if self._pong is not None:
            return self._window.free_at(now)
        return self._window.free_at(now, self._reserve) if self._waiting else math.inf
