"""What the shards of one fleet share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.commands import Command
from holdfast.events import Closed, Event, PongReceived, RecentEvent, Resynced
from holdfast.randomness import Randomness
from holdfast.settings import DialWindow
from holdfast.supervisor.queue import ItemQueue
from holdfast.window import RollingWindow
from holdfast.wire import MaskSource

if TYPE_CHECKING:
    from holdfast.supervisor.supervisor import Supervisor

_EVENTS_REMEMBERED = 200


_WINDOWS = 64


class Shared:
    """One list of commands, one queue of items, one source of randomness and entropy, one series of connection numbers,
    dial windows.
    """

    __slots__ = (
        "_conns",
        "_most_windows",
        "_observe",
        "_windows",
        "commands",
        "dials",
        "entropy",
        "has_ended",
        "mask",
        "queue",
        "random",
        "recent",
        "shards",
        "told",
        "wall_offset",
    )

    def __init__(
        self,
        queue: ItemQueue,
        random: Randomness,
        entropy: Callable[[int], bytes],
        observe: Callable[[Event], None] | None = None,
    ) -> None:
        self.commands: list[Command] = []
        self.queue = queue
        self.shards: dict[int, Supervisor] = {}  # by connection, those included that are closing
        self.random = random
        self.entropy = entropy
        self.mask = MaskSource(entropy)
        self.wall_offset = 0.0  # Unix time minus `now`
        self.has_ended = False
        self.told = 0  # events, ever
        self.dials = 0  # likewise
        self.recent: list[RecentEvent] = []
        self._observe = observe or _look_away
        self._conns = 0
        self._windows: dict[str, RollingWindow] = {}
        self._most_windows = _WINDOWS  # so many are kept without a look at who is still of use

    def emit(self, event: Event, shard: int | None = None) -> None:
        """Into the queue, behind all that was put; and to whoever observes, as it happens. `shard`: whose it is. Not
        behind Closed: what ended the feed may have been in the midst of a chunk.
        """
        if self.has_ended:
            return
        self.has_ended = type(event) is Closed
        self.told += 1
        self.queue.put_event(event)
        if type(event) is not PongReceived:  # which would soon be all of them
            kept = replace(event, snapshot=None) if type(event) is Resynced else event  # which may be large
            self.recent.append(RecentEvent(kept, shard, event.at + self.wall_offset))
            del self.recent[:-_EVENTS_REMEMBERED]
        self._observe(event)

    def next_conn(self) -> int:
        """A number for a new connection, never used before."""
        self._conns += 1
        return self._conns

    def dial_window(self, host: str, setting: DialWindow) -> RollingWindow:
        """The one window for all dials to a host."""
        if host not in self._windows:
            if len(self._windows) >= self._most_windows:
                self._forget_idle_windows()
            self._windows[host] = RollingWindow(setting.count, setting.period)
        return self._windows[host]

    def _forget_idle_windows(self) -> None:
        """Functions may make endpoints at ever new hosts. What was dialled longer ago than a period bounds nothing."""
        latest = max(window.latest for window in self._windows.values())
        self._windows = {host: window for host, window in self._windows.items() if not window.is_over(latest)}
        self._most_windows = max(_WINDOWS, 2 * len(self._windows))


def _look_away(_: Event) -> None:
    """Nobody observes."""
