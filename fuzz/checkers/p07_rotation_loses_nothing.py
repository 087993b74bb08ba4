"""Promise 7: rotation loses nothing and repeats nothing while both connections deliver; connections of a feed do not
rotate together; and the old connection goes on until the new one has all that is wanted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker, text_of
from fuzz.checkers.p08_loss_declared import LossDeclared, number_of
from holdfast import (
    Cause,
    Closed,
    Connected,
    Disconnected,
    Event,
    Gap,
    Item,
    LegEnded,
    Paused,
    Resumed,
    Resynced,
    Rotated,
    Rotating,
    Subscribed,
    SubscriptionRefused,
    Unsubscribed,
)
from holdfast.commands import Command, Disconnect, Write

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_CLOSE = 0x88
_ASKED = "rotate() was called"  # by which shards are rotated one after the other
_LOOK_EVERY = 60.0  # seconds
_NOTICED_WITHIN = 30.0  # seconds, of what our process and the handovers before may take


class RotationKept(Checker):
    """What is seen from outside: when connections are opened, replaced and closed, and what they have by then."""

    promise = 7

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = not voyage.plan.overlaps
        self._opened_at: dict[int, float] = {}
        self._held: dict[int, set[str]] = {}  # also what was refused
        self._under_way: dict[int, int] = {}  # by shard: what is to be replaced
        self._asked: set[int] = set()  # what the user has had replaced
        self._disturbed_at = -math.inf  # when something of ours last stood in the way
        self._disturbances = 0
        weather = voyage.plan.weather
        # Opening, asking, and the answer to a ping; several times, because pings wait for the answers to others.
        needed = 8 * (weather.delay + weather.jitter) + voyage.longest_asking + 2 * voyage.plan.flush_every
        rotation = self.config.rotation
        self._overlap = rotation.overlap_timeout if rotation is not None else 10.0
        # Without a dialect nobody knows what an on_connect asked for, nor that a heartbeat is one, which comes on each
        # connection in its own time; and of a little memory, little can be held.
        asked, beats = voyage.greetings is not None, voyage.plan.rules.heartbeat is not None
        unsure = voyage.plan.spoken is None and (asked or beats)
        self._must_succeed = self._overlap >= needed and self.config.memory_limit is None and not unsure
        self._age = self._longest_life()
        if voyage.roster is not None:
            voyage.roster.on_gone.append(self._shard_gone)
        if self._age is not None:
            voyage.world.schedule.call_in(_LOOK_EVERY, self._look_again)

    def on_stall(self, since: float, until: float) -> None:
        self._disturbed_at = max(self._disturbed_at, until)

    def on_command(self, command: Command, now: float) -> None:
        if command.conn not in self._under_way.values():
            return
        if isinstance(command, Disconnect) or (isinstance(command, Write) and command.data[0] == _CLOSE):
            self.fail(f"connection {command.conn} was closed before its successor took over")

    def on_event(self, event: Event) -> None:
        if isinstance(event, Rotating):
            if self.voyage.roster is not None:
                self.voyage.roster.update()  # a shard whose turn has just ended may be no more
            shard = self.voyage.shard_of(event.conn)
            if shard in self._under_way:
                self.fail(f"connection {event.conn} is rotated together with {self._under_way[shard]}")
            if event.reason == _ASKED:
                together = [conn for conn in self._under_way.values() if conn in self._asked]
                if together:
                    self.fail(f"connection {event.conn} of another shard is rotated together with {together[0]}")
                self._asked.add(event.conn)
            self._under_way[shard] = event.conn
        elif isinstance(event, Rotated):
            self._judge_successor(event)
            self._leave(event.previous)
        elif isinstance(event, Connected):
            self._opened_at[event.conn] = event.at
            self._held[event.conn] = set()
        elif isinstance(event, Disconnected):
            self._disturbed_at = event.at
            self._leave(event.conn)
        elif isinstance(event, LegEnded):
            self._under_way.pop(self.voyage.shard_with(event), None)
        elif isinstance(event, Closed):
            self._under_way.clear()
        elif isinstance(event, Subscribed) and event.conn in self._held:
            self._held[event.conn].update(event.streams)
        elif isinstance(event, Unsubscribed) and event.conn in self._held:
            self._held[event.conn].difference_update(event.streams)
            self._disturbed_at = event.at
        elif isinstance(event, SubscriptionRefused) and event.conn in self._held:
            self._held[event.conn].add(event.stream)
            self._disturbed_at = event.at
        elif isinstance(event, (Paused, Resumed)):
            self._disturbed_at = event.at
        elif isinstance(event, Gap) and event.cause.cause is Cause.ROTATION:
            self._judge_gap(event)

    def _leave(self, conn: int) -> None:
        self._opened_at.pop(conn, None)
        self._held.pop(conn, None)
        shard = self.voyage.shard_of(conn)
        if self._under_way.get(shard) == conn:
            del self._under_way[shard]

    def _shard_gone(self, shard: int, conns: list[int]) -> None:
        for conn in conns:
            self._leave(conn)

    def _judge_successor(self, event: Rotated) -> None:
        if event.conn not in self._opened_at:
            self.fail(f"connection {event.conn} took over from {event.previous}, and is not open")
        missing = set(self.voyage.wanted_on(event.conn)) - self._held[event.conn]
        if missing:
            self.fail(f"connection {event.conn} took over from {event.previous} without {sorted(missing)}")

    def _judge_gap(self, gap: Gap) -> None:
        if not self._must_succeed:
            return
        # What stood in the way for a while may have delayed proofs after it.
        since = gap.at - 2 * self._overlap - self.voyage.longest_asking
        if self._disturbed_at >= since or self.voyage.disturbed(since, gap.at):
            return
        if gap.stream in self.voyage.plan.rules.silent:
            return  # none of them brought any of it, as if all had lost it
        service = self.voyage.service
        streams = self.voyage.plan.streams if gap.stream is None else (gap.stream,)
        if service is not None and any(
            service.was_absent(stream, at) for stream in streams for at in (gap.since, gap.at)
        ):
            return
        user = self.voyage.user
        if user is not None and any(user.left_between(stream, gap.since, gap.at) for stream in streams):
            return
        self.fail(f"a rotation lost something, though all connections delivered: {gap}")

    # Age

    def _longest_life(self) -> float | None:
        """Seconds after which a connection must be rotated; None for no such time."""
        rotation, spoken = self.config.rotation, self.voyage.plan.spoken
        if rotation is None:
            return None
        if rotation.max_age is not None:
            return rotation.max_age
        limit = spoken.limits.max_age if spoken is not None else None
        return None if limit is None else max(limit / 2, limit - 300.0)

    def _look_again(self) -> None:
        now = self.voyage.now
        if self.voyage.fleet.ended is not None:
            return
        self.voyage.world.schedule.call_in(_LOOK_EVERY, self._look_again)
        if self._under_way or now - self._disturbed_at < _NOTICED_WITHIN:
            return
        assert self._age is not None
        for conn, opened_at in self._opened_at.items():
            if now - opened_at > self._age + _NOTICED_WITHIN:
                self.fail(
                    f"connection {conn} is {now - opened_at:g} s old, and is not rotated; {self._age:g} s are set"
                )


class NothingLostBetween(LossDeclared):
    """What is missing without a gap, or comes twice, while or soon after a connection is replaced."""

    promise = 7

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = not voyage.plan.overlaps
        rotation = self.config.rotation
        self._soon = 2 * (rotation.overlap_timeout if rotation is not None else 10.0)
        self._until = -math.inf

    def on_item(self, item: Item, now: float) -> None:
        if isinstance(item, Rotating):
            self._until = math.inf
        elif isinstance(item, (Rotated, LegEnded)):
            self._until = item.at + self._soon
        elif isinstance(item, Disconnected):
            self._until = min(self._until, item.at)
        if self._until < now:
            self._note(item)
            return
        if (text := text_of(item)) is not None:
            stream, number = number_of(text)
            if number <= self._last.get(stream, 0):
                if self.may_come_late(stream, number):
                    return
                self.fail(f"{stream}: {number} came after {self._last[stream]}")
        super().on_item(item, now)

    def _note(self, item: Item) -> None:
        """Somebody else judges."""
        if (text := text_of(item)) is not None:
            stream, number = number_of(text)
            self._take(stream, number)
            self._owed.pop(stream, None)
        elif isinstance(item, Gap):
            self._look_at(item)
        elif isinstance(item, Resynced):
            self._resynced_at[item.stream] = item.at

    def after_healing(self, now: float) -> None:
        """Somebody else judges."""
