"""What the feeds of one fleet share."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.commands import Command
from holdfast.events import Event
from holdfast.randomness import Randomness
from holdfast.settings import DialWindow
from holdfast.window import RollingWindow
from holdfast.wire import MaskSource


class Shared:
    """One list of commands, one source of randomness and entropy, one series of connection numbers, dial windows."""

    def __init__(
        self, random: Randomness, entropy: Callable[[int], bytes], observe: Callable[[Event], None] | None = None
    ) -> None:
        self.commands: list[Command] = []
        self.random = random
        self.entropy = entropy
        self.mask = MaskSource(entropy)
        self.observe = observe or _look_away  # shown every event as it happens
        self.wall_offset = 0.0  # Unix time minus `now`
        self._conns = 0
        self._windows: dict[str, RollingWindow] = {}

    def next_conn(self) -> int:
        """A number for a new connection, never used before."""
        self._conns += 1
        return self._conns

    def dial_window(self, host: str, setting: DialWindow) -> RollingWindow:
        """The one window for all dials to a host."""
        if host not in self._windows:
            self._windows[host] = RollingWindow(setting.count, setting.period)
        return self._windows[host]


def _look_away(_: Event) -> None:
    """Nobody observes."""
