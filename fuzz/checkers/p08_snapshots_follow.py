"""Promise 8, for streams that need snapshots: behind a gap nothing of them comes before a snapshot that joins it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker, text_of
from fuzz.checkers.p08_loss_declared import number_of
from fuzz.snapshots import Snapshot
from holdfast import Cause, Gap, Item, Resynced
from holdfast.commands import Command, RunResync

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class SnapshotsFollow(Checker):
    promise = 8

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.snapshots is None
        self._known: dict[str, int] = {}  # up to which number a consumer knows all of a stream
        self._overtaken: set[str] = set()  # the queue lost something, and what stood in it comes before the snapshot
        self._lost_at: dict[str, float] = {}
        self._snapshot_at: dict[str, float] = {}
        self._ran_at: dict[str, float] = {}  # the user's function, last

    def on_command(self, command: Command, now: float) -> None:
        if isinstance(command, RunResync):
            self._ran_at[command.stream] = now

    def on_item(self, item: Item, now: float) -> None:
        if isinstance(item, Gap):
            for stream in self.voyage.concerned_by(item) or self.voyage.plan.streams:
                self._known.pop(stream, None)
                if item.cause.cause is Cause.OVERFLOW:
                    self._overtaken.add(stream)
                self._lost_at[stream] = max(item.at, self._lost_at.get(stream, 0.0))
        elif isinstance(item, Resynced):
            assert isinstance(item.snapshot, Snapshot)
            self._known[item.stream] = item.snapshot.latest
            self._snapshot_at[item.stream] = item.at
            self._overtaken.discard(item.stream)
        elif (text := text_of(item)) is not None:
            self._note(*number_of(text))

    def _note(self, stream: str, number: int) -> None:
        snapshots = self.voyage.snapshots
        if snapshots is None or not snapshots.are_for(stream) or self._had_left(stream):
            return
        known = self._known.get(stream)
        if stream in self._overtaken:
            return
        if known is None:
            self.fail(f"{stream}: {number} came before a snapshot")
        missing = [one for one in range(known + 1, number) if not self.voyage.was_withheld(stream, one)]
        if missing:
            self.fail(f"{stream}: all up to {known} is known, and {number} follows")
        self._known[stream] = max(known, number)

    def _had_left(self, stream: str) -> bool:
        """Whether nobody wanted it, since the last snapshot: what comes then may be of the time before."""
        user = self.voyage.user
        since = self._snapshot_at.get(stream, -math.inf)
        return user is not None and any(until >= since for _, until in user.absent.get(stream, ()))

    def after_healing(self, now: float) -> None:
        """Nobody waits for a snapshot for ever."""
        snapshots = self.voyage.snapshots
        if snapshots is None or not self.voyage.fleet.is_open:
            return
        states, heard = self.voyage.fleet.stream_states(), self.voyage.ear.heard
        for stream, state in states.items():
            lost_at = self._lost_at.get(stream, 0.0)
            if state != "subscribed" or stream in self._known or heard.get(stream, 0.0) <= lost_at:
                continue  # nothing waits
            if not snapshots.are_for(stream) or self._had_left(stream):
                continue
            if now - max(lost_at, self._ran_at.get(stream, 0.0)) > snapshots.longest:
                self.fail(f"{stream} was lost at {lost_at:.3f} s, and waits for a snapshot")
