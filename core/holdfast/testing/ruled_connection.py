"""A client's connection under the rules of its service."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from enum import IntEnum
from functools import partial
from typing import Any, ClassVar

from wsproto.events import BytesMessage, Event, Message, Ping, Pong, TextMessage
from wsproto.extensions import Extension

from holdfast.testing.compression import ServerDeflate
from holdfast.testing.faults import Outgoing, Refusal
from holdfast.testing.fragments import fragmented_frames
from holdfast.testing.rules import Rules
from holdfast.testing.server_connection import ServerConnection
from holdfast.timers import Timers
from holdfast.window import RollingWindow
from holdfast.wire import RSV1

_POLICY_VIOLATION = 1008
_COUNTED = (Ping, Pong, TextMessage, BytesMessage)


class RuleTimer(IntEnum):
    """The deadlines that rules set, beside those of every connection."""

    PONG = 0  # the client must have answered the oldest of our pings
    SUBSCRIBE = 1  # the client must have asked for a stream
    HEARTBEAT = 2  # time for the next one
    NOTICE = 3  # time to tell that the end is near
    AGE = 4  # the connection is too old
    IDLE = 5  # nothing was said for too long


class RuledConnection(ServerConnection):
    """Apart from its base, so that exchanges without rules pay nothing for them. Arguments: `rules`, and the base's."""

    def __init__(self, rules: Rules, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rules = rules
        self._rule_timers = Timers(RuleTimer)
        self._messages = RollingWindow(*rules.message_limit) if rules.message_limit is not None else None
        self._pings = self._beats = 0
        self._unanswered: deque[tuple[bytes, float]] = deque()  # (payload, when the pong must have come)
        self._deflate = ServerDeflate()
        if rules.fragment > 1:
            self._frame = partial(fragmented_frames, rules.fragment)

    def next_deadline(self) -> float:
        return min(super().next_deadline(), self._rule_timers.next())

    def tick(self, now: float) -> None:
        super().tick(now)
        while not self.is_gone and (timer := self._rule_timers.expired(now)) is not None:
            self._rule_timers.clear(RuleTimer(timer))
            self._ON_TIMER[timer](self)

    # What clients do

    def _turned_away(self, asked: Collection[str]) -> Refusal | None:
        limit = self._rules.max_streams
        return Refusal(400) if limit is not None and len(set(asked)) > limit else None

    def _extensions(self) -> list[Extension]:
        return [self._deflate] if self._rules.compress else []

    def _on_open(self) -> None:
        super()._on_open()
        rules = self._rules
        if self._deflate.enabled():
            self._frame = partial(self._compressed_frames, self._frame)
        self._set_in(RuleTimer.HEARTBEAT, rules.heartbeat)
        self._set_in(RuleTimer.AGE, rules.max_age)
        if rules.notice is not None and rules.max_age is not None:
            self._set_in(RuleTimer.NOTICE, rules.max_age - rules.notice_before)
        self._set_in(RuleTimer.SUBSCRIBE, rules.subscribe_within)
        self._spoken()

    def _handle(self, event: Event) -> None:
        if self._is_one_too_many(event):
            self._cut("message_limit", "too many requests")
            return
        super()._handle(event)
        if isinstance(event, Message):
            self._spoken()
        if isinstance(event, Pong):
            self._ponged(bytes(event.payload))
        if self.streams or self.client.mute:  # it has asked, though a stream may bring nothing
            self._rule_timers.clear(RuleTimer.SUBSCRIBE)

    def _is_one_too_many(self, event: Event) -> bool:
        """Counts it, too. A message that comes in pieces counts once, when it is whole."""
        if self._messages is None or self.is_closing or not isinstance(event, _COUNTED):
            return False
        if isinstance(event, Message) and not event.message_finished:
            return False
        exceeds = self._messages.free_at(self._now) > self._now
        self._messages.note(self._now)
        return exceeds

    def _ponged(self, payload: bytes) -> None:
        """A pong that answers none of our pings changes nothing."""
        if any(payload == sent for sent, _ in self._unanswered):
            while self._unanswered.popleft()[0] != payload:
                pass
            self._rule_timers.clear(RuleTimer.PONG)
            if self._unanswered:
                self._rule_timers.set(RuleTimer.PONG, self._unanswered[0][1])

    def _spoken(self) -> None:
        if self._rules.idle is not None and not self.is_closing and not self.is_gone:
            self._rule_timers.set(RuleTimer.IDLE, self._now + self._rules.idle[0])

    # What the exchange does

    def _compressed_frames(self, frame: Callable[[int, bytes], bytes], opcode: int, payload: bytes) -> bytes:
        return frame(opcode | RSV1, self._deflate.compress(payload))

    def _bytes_of(self, event: Event) -> bytes:
        """A text that is compressed is for wsproto."""
        is_compressed = isinstance(event, TextMessage) and self._deflate.enabled()
        return self._ws.send(event) if is_compressed else super()._bytes_of(event)

    def publish(self, stream: str, text: str, now: float) -> None:
        before = self._texts
        super().publish(stream, text, now)
        if self._texts > before:
            self._spoken()

    def _say(self, outgoing: Outgoing, texts: Iterable[str]) -> None:
        before = self._texts
        super()._say(outgoing, texts)
        if self._texts > before:
            self._spoken()

    def _ping(self) -> None:
        if self._rules.pong_timeout is None:
            super()._ping()
            return
        self._pings += 1
        payload = str(self._pings).encode()  # no two alike, so that a pong tells which one it answers
        if self._send(Outgoing.PING, Ping(payload)):
            self._unanswered.append((payload, self._now + self._rules.pong_timeout))
            self._rule_timers.set(RuleTimer.PONG, self._unanswered[0][1])

    def _no_pong(self) -> None:
        self._cut("pong_timeout", "pong timeout")

    def _not_subscribed(self) -> None:
        self._cut("subscribe_within", "subscribe first")

    def _too_quiet(self) -> None:
        if self._rules.idle is not None:
            self._cut("idle", self._rules.idle[2], self._rules.idle[1])

    def _beat(self) -> None:
        self._beats += 1
        if self._service.has_heartbeats(self._client_now()):
            self._say(Outgoing.HEARTBEAT, [self._service.heartbeat(self._beats)])
        self._set_in(RuleTimer.HEARTBEAT, self._rules.heartbeat)

    def _give_notice(self) -> None:
        self._say(Outgoing.NOTICE, [self._rules.notice or ""])

    def _grow_too_old(self) -> None:
        if self._rules.max_age_code is not None:
            self._cut("max_age", "too old", self._rules.max_age_code)
        elif holding := self._holding(Outgoing.CLOSE):
            self._rule_timers.set(RuleTimer.AGE, max(fault.until for fault in holding))
        else:
            self._note_closed_by("max_age")
            self._finish()

    _ON_TIMER: ClassVar[dict[int, Callable[[RuledConnection], None]]] = {
        RuleTimer.PONG: _no_pong,
        RuleTimer.SUBSCRIBE: _not_subscribed,
        RuleTimer.HEARTBEAT: _beat,
        RuleTimer.NOTICE: _give_notice,
        RuleTimer.AGE: _grow_too_old,
        RuleTimer.IDLE: _too_quiet,
    }

    # Inside

    def _cut(self, rule: str, reason: str, code: int = _POLICY_VIOLATION) -> None:
        self._note_closed_by(rule)
        self.close(code, reason)

    def _note_closed_by(self, rule: str) -> None:
        self.record.closed_by = rule
        self.record.closed_at = self._now

    def _set_in(self, timer: RuleTimer, seconds: float | None) -> None:
        if seconds is not None:
            self._rule_timers.set(timer, self._now + seconds)

    def _stop_timers(self) -> None:
        super()._stop_timers()
        self._rule_timers.clear_all()
