"""Promise 6: what was asked for is what is subscribed, within the service's message window.

Requests that are not acknowledged are repeated, refusals are reported and not repeated, and nobody is left for want of
an answer that he had no time to give.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from fuzz.ear import Frames
from holdfast import (
    Cause,
    Closed,
    ConfigError,
    Connected,
    Disconnected,
    Endpoint,
    Event,
    Failure,
    FeedClosed,
    GaveUp,
    LegEnded,
    Paused,
    Resumed,
    Rotated,
    Rotating,
    StreamRefused,
    Subscribed,
    SubscriptionRefused,
    Unsubscribed,
)
from holdfast.commands import Command, Write

if TYPE_CHECKING:
    from fuzz.user import Wait
    from fuzz.voyage import Voyage
    from holdfast.testing import Client, ConnectionRecord

_DATA_OPCODES, _CONTROL_OPCODES = (0x1, 0x2), (0x9, 0xA)
_OWN_CONTROL = (b'{"ping"', b'{"answer"')
_UNACKNOWLEDGED = f"{Failure(Cause.UNACKNOWLEDGED)}: "
_TOLERATED = 0.05  # seconds; timers may be so late in good health


class AsWanted(Checker):
    promise = 6

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.user is None
        self._stalls = Stalls()
        self._pauses = Stalls()
        self._paused_since: float | None = None
        self._open: set[int] = set()
        self._rotating: set[int] = set()  # what does not answer is left when its successor is there
        self._clear_since = 0.0  # our process ran, and the connection was read
        self._unsettled: dict[str, float] = {}  # wanted streams that are neither there nor refused, since when
        self._refused: dict[tuple[int, str], float] = {}  # by connection; when we were told
        if voyage.user is not None:
            voyage.user.on_ended = self._on_waited
            voyage.ear.on_ask.append(self._on_asked)
            subscribing = self.config.subscribing
            # All asks in vain, and a replacement; or a first refusal of many, which are taken apart.
            self._longest = subscribing.max_asks * subscribing.ack_timeout + 2 * voyage.longest_asking
            self._pause = max(10.0, self._longest / 2)
            voyage.world.schedule.call_in(self._pause, self._look_again)
        if voyage.roster is not None:
            voyage.roster.on_gone.append(self._shard_gone)

    def _shard_gone(self, shard: int, conns: list[int]) -> None:
        for conn in conns:
            self._leave(conn, self.voyage.now)

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)
        self._clear_since = max(self._clear_since, until)

    def on_event(self, event: Event) -> None:
        if self.voyage.user is None:
            return
        waiting = self.voyage.ear.waiting
        if isinstance(event, Connected):
            self._open.add(event.conn)
            self._clear_since = max(self._clear_since, event.at)
            self._unsettled.clear()
        elif isinstance(event, Disconnected):
            if event.failure.cause is Cause.UNACKNOWLEDGED:
                self._judge_leaving(event.conn, event.failure.detail, event.at)
            self._leave(event.conn, event.at)
        elif isinstance(event, Rotating):
            self._rotating.add(event.conn)
            if event.reason.startswith(_UNACKNOWLEDGED):
                self._judge_leaving(event.conn, event.reason.removeprefix(_UNACKNOWLEDGED), event.at)
        elif isinstance(event, Rotated):
            self._leave(event.previous, event.at)
        elif isinstance(event, LegEnded):
            self._rotating.clear()
            self._clear_since = max(self._clear_since, event.at)
        elif isinstance(event, Closed):
            for conn in list(self._open):
                self._leave(conn, event.at)
        elif isinstance(event, (Subscribed, Unsubscribed)):
            for stream in event.streams:
                waiting.pop((event.conn, stream), None)
                self._refused.pop((event.conn, stream), None)  # wanted again, and there was room
        elif isinstance(event, SubscriptionRefused):
            self._refused[event.conn, event.stream] = event.at
            waiting.pop((event.conn, event.stream), None)
        elif isinstance(event, Paused):
            self._paused_since = event.at
        elif isinstance(event, Resumed):
            self._end_pause(event.at)

    def _end_pause(self, now: float) -> None:
        if self._paused_since is not None:
            self._pauses.add(self._paused_since, now)
            self._paused_since = None
            self._clear_since = max(self._clear_since, now)

    def _leave(self, conn: int, at: float) -> None:
        self._open.discard(conn)
        self._rotating.discard(conn)
        if not self._open:
            self._end_pause(at)
        self._unsettled.clear()
        for key in [key for key in self._refused if key[0] == conn]:
            del self._refused[key]
        self.voyage.ear.forget(conn)

    def _refused_everywhere(self) -> set[str]:
        """By each of the connections that carry them."""
        names = {stream for _, stream in self._refused}
        return {name for name in names if all((conn, name) in self._refused for conn in self._carriers_of(name))}

    def _carriers_of(self, stream: str) -> list[int]:
        """Connections of the shard to which a stream belongs."""
        return [conn for conn in self._open if stream in self.voyage.wanted_on(conn)]

    # Asked too often, or left too early

    def _on_asked(self, conn: int, streams: Sequence[str]) -> None:
        assert self.voyage.user is not None
        for stream in streams:
            refused = self._refused.get((conn, stream))
            if refused is not None and self.voyage.user.changed.get(stream, 0.0) < refused:
                self.fail(f"{stream} was refused at {refused:.3f} s, and is asked for again")

    def _judge_leaving(self, conn: int, detail: str, at: float) -> None:
        stream = detail.split(" and ", maxsplit=1)[0].split(", ", maxsplit=1)[0]
        since, subscribing = self.voyage.ear.waiting.get((conn, stream), 0.0), self.config.subscribing
        needed = subscribing.max_asks * subscribing.ack_timeout
        needed += self._stalls.noticeable(since, at, self.config.stall_after + _TOLERATED)
        needed += self._pauses.noticeable(since, at, 0.0)
        if self._paused_since is not None:
            needed += at - max(since, self._paused_since)
        if at - since < needed - EPSILON:
            self.fail(f"left for not acknowledging {stream} after {at - since:g} s; there are {needed:g} s")

    # Not settled

    def _look_again(self) -> None:
        now = self.voyage.now
        if self.voyage.fleet.ended is None:
            self._look(now)
            self.voyage.world.schedule.call_in(self._pause, self._look_again)

    def _look(self, now: float) -> None:
        user = self.voyage.user
        assert user is not None
        states = self.voyage.fleet.stream_states()
        if states.keys() != user.wanted.keys():
            self.fail(f"wanted: {sorted(user.wanted)}; the feed wants {sorted(states)}")
        if not self._open or self._paused_since is not None or self.voyage.process.awake_at >= now:
            return
        restless = {stream for stream, state in states.items() if state in ("wanted", "asked")}
        if self._rotating:
            restless = set()
        if self.voyage.roster is not None:
            restless = {stream for stream in restless if self._carriers_of(stream)}
        self._unsettled = {stream: self._unsettled.get(stream, now) for stream in sorted(restless)}
        for stream, first in self._unsettled.items():
            since = max(first, self._clear_since, user.changed.get(stream, 0.0))
            if now - since > self._longest + EPSILON:
                self.fail(f"{stream} has been {states[stream]} for {now - since:g} s; {self._longest:g} s are allowed")
        for stream, state in states.items():
            if state == "refused" and all(name != stream for _, name in self._refused):
                self.fail(f"{stream} was refused, and nobody was told")

    def after_healing(self, now: float) -> None:
        """What the service believes is what the user wants, but for what it refused."""
        service, user = self.voyage.service, self.voyage.user
        if service is None or user is None or self.voyage.fleet.ended is not None:
            return
        self._look(now)
        lately = now - self.voyage.longest_asking
        if not self.voyage.fleet.is_open or self._paused_since is not None or self._clear_since > lately:
            return
        if any(at > lately for at in self.voyage.ear.asked.values()):
            return  # a stream that is never published is being asked for anew
        always = self.voyage.plan.spoken.limits.always if self.voyage.plan.spoken is not None else ()
        refused = self._refused_everywhere()
        for client in service.clients():
            held, allowed = service.held(client), {*self._wanted_of(client), *always}
            conn = self.voyage.conn_of(client)
            expected = allowed - refused - {stream for stream in allowed if (conn, stream) in self._refused}
            if not expected <= held <= (expected if len(self._open) == 1 else allowed):
                missing, much = expected - held, held - expected
                self.fail(f"not subscribed to: {sorted(missing) or 'none'}; too much: {sorted(much) or 'none'}")

    def _wanted_of(self, client: Client) -> Sequence[str]:
        """What the user wants of the shard of one of the service's clients."""
        voyage = self.voyage
        return voyage.wanted() if voyage.roster is None else voyage.wanted_on(voyage.conn_of(client))

    def _on_waited(self, wait: Wait) -> None:
        """`subscribed` may end in time only, or as soon as its streams are there."""
        states = self.voyage.fleet.stream_states()
        assert wait.ended_at is not None
        if wait.ended_at > max(wait.until, self.voyage.process.awake_at) + EPSILON:
            self.fail(f"a wait until {wait.until:.3f} s for {wait.streams} was still there")
        if isinstance(wait.outcome, TimeoutError) and wait.ended_at < wait.until - EPSILON:
            self.fail(f"a wait until {wait.until:.3f} s for {wait.streams} ended early")
        if wait.outcome is None and any(states[stream] != "subscribed" for stream in wait.streams or states):
            self.fail(f"a wait for {wait.streams} ended with {states}")
        if isinstance(wait.outcome, StreamRefused) and not self._refused:
            self.fail(f"a wait ended, though nothing was refused: {wait.outcome}")
        if isinstance(wait.outcome, ConfigError) and set(wait.streams) <= states.keys():
            self.fail(f"a wait for streams that are wanted ended: {wait.outcome}")
        if isinstance(wait.outcome, (FeedClosed, GaveUp)) and self.voyage.fleet.ended is None:
            self.fail(f"a wait ended, though the feed has not: {wait.outcome}")

    def after_closing(self, now: float) -> None:
        if self.voyage.user is not None and self.voyage.user.waits:
            self.fail(f"the feed is closed, and somebody waits: {self.voyage.user.waits[0].streams}")


class MessageWindowKept(Checker):
    """We count what goes out, and the service counts what comes in; unless the network bunches it, both are content."""

    promise = 6

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._stalls = Stalls()
        self._refused_at = -math.inf
        self._sent: dict[int, deque[float]] = {}
        self._written = Frames()
        self._latest = 0  # the latest of the exchange's connections that was looked at
        self._watched: list[ConnectionRecord] = []
        window = self.config.message_window
        self._counts_control = window is not None and window.counts_control
        self._counted = _DATA_OPCODES + (_CONTROL_OPCODES if self._counts_control else ())

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_event(self, event: Event) -> None:
        if isinstance(event, SubscriptionRefused):
            self._refused_at = event.at

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        self._look()

    def after_closing(self, now: float) -> None:
        self._look()

    def on_command(self, command: Command, now: float) -> None:
        window = self.config.message_window
        if window is None or not isinstance(command, Write) or command.data.startswith(b"GET "):
            return
        sent = self._sent.setdefault(command.conn, deque(maxlen=window.count))
        for first, payload in self._written.of(command):
            if self._counts(first, payload):
                if len(sent) == window.count and now - sent[0] < window.period - EPSILON:
                    self.fail(f"more than {window.count} messages in {window.period:g} s on connection {command.conn}")
                sent.append(now)

    def _counts(self, first: int, payload: bytes) -> bool:
        """Pings in the service's own form are texts, and counted as pings."""
        return first & 0x0F in self._counted and (self._counts_control or not payload.startswith(_OWN_CONTROL))

    def _look(self) -> None:
        rules = self.voyage.plan.rules
        if rules.message_limit is None and rules.subscribe_within is None:
            return
        connections = self.voyage.exchange.ledger.connections
        self._watched += takewhile(lambda record: record.conn > self._latest, reversed(connections))
        self._latest = connections[-1].conn if connections else 0
        for record in self._watched:
            if record.closed_by in ("message_limit", "subscribe_within") and record.closed_at is not None:
                self._judge(record, record.closed_at)
        self._watched = [one for one in self._watched if one.closed_by is None and one.ended_at is None]

    def _judge(self, record: ConnectionRecord, at: float) -> None:
        rules = self.voyage.plan.rules
        if record.closed_by == "message_limit" and rules.message_limit is not None:
            since = at - rules.message_limit[1] - 1.0
        else:
            since = record.accepted_at
            if self._stalls.noticeable(since, at, 0.0):
                return
            if self.voyage.greetings is not None:
                return  # the user may not have been done with it
            if self.voyage.plan.is_sharded and self._refused_at >= since:
                return  # it may have been all that the shard wants
        if not self.voyage.held(since, at, record.accepted_at):
            self.fail(f"connection {record.conn} of the service was cut: {record.closed_by}")
