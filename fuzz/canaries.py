"""Machines with a planted fault, one for each promise at least: a checker that lets its canary pass does not count.

Those that need streams are in `stream_canaries`, those that need several connections in `leg_canaries` and
`shard_canaries`, numbers in `number_canaries`, what comes
before a dial in `dial_canaries`, bounds in `bound_canaries`; what a canary is, in `canary`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from unittest.mock import patch

from fuzz import bound_canaries, dial_canaries, leg_canaries, number_canaries, shard_canaries, stream_canaries
from fuzz.canary import CANARIES, Canary, after, canary
from fuzz.checkers.p02_never_storms import DialLimitKept
from holdfast import Backoff, DialWindow, Keepalive, Limits, Message, Overflow
from holdfast.connection import Lost
from holdfast.connection.connection import Connection
from holdfast.connection.connection import Timer as ConnectionTimer
from holdfast.connection.liveness import Liveness
from holdfast.connection.sender import Sender
from holdfast.fleet.shards import Shards
from holdfast.supervisor import Shared
from holdfast.supervisor.gaps import Ledger
from holdfast.supervisor.leg import Leg, Timer
from holdfast.supervisor.queue import ItemQueue
from holdfast.supervisor.redial import Redial
from holdfast.supervisor.supervisor import Supervisor
from holdfast.testing import Rules
from holdfast.window import RollingWindow
from holdfast.wire import PONG, client_frame
from holdfast.wire.reader import FrameReader
from holdfast.wire.reader import Violation as WireViolation

__all__ = [
    "CANARIES",
    "Canary",
    "bound_canaries",
    "dial_canaries",
    "leg_canaries",
    "number_canaries",
    "shard_canaries",
    "stream_canaries",
]

_PONG_FRAME = 0x8A


@canary(1, "reset")
def forgets_to_dial_again() -> Iterator[None]:
    with after(Leg, "_wait", lambda self, *_: self._timers.clear(Timer.DIAL)):
        yield


@canary(1, "hold", keepalive=Keepalive(5.0, 2.5))
def gives_up_for_a_timeout() -> Iterator[None]:
    def after(self: Redial, failure: Any, *rest: Any, **named: Any) -> Any:
        from holdfast.supervisor.redial import Plan

        tired = failure.cause.value == "pong_timeout"
        return Plan(give_up="tired") if tired else original(self, failure, *rest, **named)

    original = Redial.after
    with patch.object(Redial, "after", after):
        yield


@canary(2, "flap")
def resets_backoff_at_every_handshake() -> Iterator[None]:
    with after(Redial, "opened", lambda self: self._start_anew()):
        yield


@canary(2, "refuse")
def ignores_retry_after() -> Iterator[None]:
    with patch("holdfast.supervisor.verdict.parse_retry_after", lambda value, wall_now: 0.0):
        yield


@canary(2, "flap", "reset", dial_window=DialWindow(5, 60.0), backoff=Backoff(0.25, 1.0, 4.0, 0.5))
def has_a_bucket_for_a_window() -> Iterator[None]:
    """The window forgets everything once a period, and so lets a double burst by."""

    def free_at(self: RollingWindow, now: float) -> float:
        if self._times and now - self._times[0] > self._period / 3:
            self._times.clear()
        return original(self, now)

    original = RollingWindow.free_at
    with patch.object(RollingWindow, "free_at", free_at):
        yield


@canary(
    2,
    "flap",
    "reset",
    rules=Rules(dial_limit=(5, 59.5, None)),
    checkers=(DialLimitKept,),  # the other one counts for itself, and would be first
    dial_window=DialWindow(5, 60.0),
    backoff=Backoff(0.25, 1.0, 4.0, 0.5),
)
def dials_once_more_than_its_window_allows() -> Iterator[None]:
    def dial_window(self: Shared, host: str, setting: DialWindow) -> RollingWindow:
        return original(self, host, DialWindow(setting.count + 1, setting.period))

    original = Shared.dial_window
    with patch.object(Shared, "dial_window", dial_window):
        yield


@canary(3, "hold", "silence", keepalive=Keepalive(20.0, 5.0))
def never_looks_at_the_answer_to_a_ping() -> Iterator[None]:
    with patch.object(Liveness, "next_look", lambda self, now: math.inf):
        yield


@canary(3, "hold", "silence", keepalive=Keepalive(5.0, 20.0))
def begins_the_timeout_anew_with_every_ping() -> Iterator[None]:
    def ping(self: Connection, now: float) -> None:
        self._liveness.awaiting = False
        original(self, now)

    original = Connection._ping
    with patch.object(Connection, "_ping", ping):
        yield


@canary(4, "no_pongs", keepalive=Keepalive(5.0, 2.5))
def takes_only_pongs_for_life() -> Iterator[None]:
    def received(self: Connection, data: bytes, now: float, messages: Any) -> Any:
        awaiting = self._liveness.awaiting
        reports = original(self, data, now, messages)
        pong = any(type(report).__name__ == "Pong" for report in reports)
        self._liveness.awaiting = awaiting and not pong
        return reports

    original = Connection.received
    with patch.object(Connection, "received", received):
        yield


@canary(4, "hiccups", "stall", "silence", rate=0.1, keepalive=Keepalive(5.0, 2.5), stall_after=1.0)
def blames_the_peer_for_our_stalls() -> Iterator[None]:
    with patch.object(Supervisor, "stalled", lambda self, late: None):
        yield


@canary(4, "mute", "no_pongs", keepalive=Keepalive(20.0, 2.5))
def condemns_too_early() -> Iterator[None]:
    """The timeout counts from the last byte, not from the ping."""

    def ping(self: Connection, now: float) -> None:
        original(self, now)
        liveness = self._liveness
        if liveness.awaiting:
            liveness._deadline = min(liveness._deadline, self.last_received + self._config.keepalive.timeout + 1.0)
            self._timers.set(ConnectionTimer.PONG, liveness.next_look(now))

    original = Connection._ping
    with patch.object(Connection, "_ping", ping):
        yield


def _with_other_pongs(change: Callable[[Sender, bytes], bytes | None]) -> Any:
    """What is written instead of each pong; None for nothing."""

    def write(self: Sender, data: bytes) -> None:
        changed = change(self, data) if data[0] == _PONG_FRAME else data
        if changed is not None:
            original(self, changed)

    original = Sender.write
    return patch.object(Sender, "write", write)


@canary(4, rules=Rules(pong_timeout=10.0))
def answers_no_ping() -> Iterator[None]:
    with _with_other_pongs(lambda self, pong: None):
        yield


@canary(4, rules=Rules(pong_timeout=30.0))
def answers_every_third_ping() -> Iterator[None]:
    pings = count(1)
    with _with_other_pongs(lambda self, pong: None if next(pings) % 3 else pong):
        yield


@canary(4, rules=Rules(pong_timeout=10.0))
def answers_without_the_payload() -> Iterator[None]:
    with _with_other_pongs(lambda self, pong: client_frame(PONG, b"", self._mask())):
        yield


@canary(8, "reset", "finish")
def hides_gaps() -> Iterator[None]:
    def settle(self: Ledger, now: float) -> None:
        self._all = None

    with patch.object(Ledger, "settle", settle):
        yield


@canary(8, "slow_consumer", rate=20.0, limits=Limits(max_queue_size=5_000), overflow=Overflow("drop_newest"))
def drops_in_silence() -> Iterator[None]:
    with patch.object(ItemQueue, "_note_dropped_newest", lambda self, messages, now: None):
        yield


@canary(9, "stall", "hold", rate=20.0)
def turns_batches_round() -> Iterator[None]:
    def put(self: ItemQueue, messages: Any, nbytes: int, now: float) -> None:
        original(self, messages[::-1], nbytes, now)

    original = ItemQueue.put_messages
    with patch.object(ItemQueue, "put_messages", put):
        yield


@canary(9, "reset")
def gives_the_last_message_twice() -> Iterator[None]:
    last_batch: list[Message] = []

    def lost(self: Leg, connection: Any, report: Any, now: float, **named: Any) -> None:
        if last_batch:
            self._owner.delivery.deliver(self, last_batch[-1:], 1, now)
        original(self, connection, report, now, **named)

    def deliver(self: Leg, messages: Any, nbytes: int, now: float) -> None:
        last_batch[:] = messages
        deliver_original(self, messages, nbytes, now)

    original, deliver_original = Leg._on_lost, Leg.deliver
    handlers = {**Leg._HANDLERS, Lost: lost}
    with patch.object(Leg, "_HANDLERS", handlers), patch.object(Leg, "deliver", deliver):
        yield


@canary(10, "slow_consumer", rate=40.0, limits=Limits(max_queue_size=5_000))
def never_stops_reading() -> Iterator[None]:
    with (
        patch.object(Shards, "queue_is_full", lambda self, now: None),
        patch.object(ItemQueue, "_drop_oldest", lambda self, bound, now: None),
        patch.object(ItemQueue, "is_full", property(lambda self: False)),
    ):
        yield


@canary(11, "garbage")
def chokes_on_reserved_opcodes() -> Iterator[None]:
    def receive(self: FrameReader, data: bytes, messages: Any) -> Any:
        controls = original(self, data, messages)
        for control in controls:
            if isinstance(control, WireViolation):
                raise RuntimeError(control.detail)  # noqa: TRY004
        return controls

    original = FrameReader.receive
    with patch.object(FrameReader, "receive", receive):
        yield


@canary(12, "silence")
def waits_for_a_close_frame_for_ever() -> Iterator[None]:
    with after(Connection, "_start_closing", lambda self, *_: self._timers.clear_all()):
        yield


@canary(12)
def dials_once_more_after_close() -> Iterator[None]:
    with after(Leg, "end", lambda self, now, *_: self._timers.set(Timer.DIAL, now + 0.5)):
        yield


@canary(13, "reset")
def draws_from_elsewhere() -> Iterator[None]:
    """The pause depends on something that was not handed in."""
    calls = [0.0]

    def dialling(self: Redial) -> None:
        original(self)
        calls[0] += 0.001
        self._failures += int(calls[0] * 1000) % 3 == 0

    original = Redial.dialling
    with patch.object(Redial, "dialling", dialling):
        yield
