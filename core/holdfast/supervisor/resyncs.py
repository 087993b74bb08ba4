"""Streams whose consumer needs a snapshot: what they bring is held until the user's function has fetched one.

    DUE -> READY -> RUNNING -> LIVE       a message came | the function runs | its snapshot was handed on
     ^       ^         |         |
     |       +---------+         |        it failed, or what it fetches is too old already
     +---------------------------+        a gap

It runs behind a message, never before, so that its snapshot is no older than what follows.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import Protocol

from holdfast.commands import EndJob, RunResync
from holdfast.dialects.words import Update
from holdfast.errors import ConfigError
from holdfast.events import Event, Gap, Message, Resynced, ResyncFailed
from holdfast.failures import Cause, Failure
from holdfast.settings import ITEM_COST, Backoff, Resync
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.strand import size_of

# Behind so many snapshots of a stream that nobody took, no further one is fetched: else a consumer that is stuck would
# have ever more of them waiting. Two, because the first may be out of date already.
_MAY_WAIT = 2
_LOOK_AGAIN = 1.0  # seconds


class Phase(Enum):
    """Where a stream stands."""

    DUE = "due"
    READY = "ready"
    RUNNING = "running"
    LIVE = "live"


class Outlet(Protocol):
    """The feed, as this sees it."""

    def emit(self, event: Event) -> None:
        """An event, behind all that was put."""

    def queue(self, messages: list[Message], nbytes: int, now: float) -> int:
        """Messages for the consumer. How many had to be dropped for want of room."""
        ...

    def lose(self, gap: Gap) -> None:
        """Declare it."""

    def gave_up(self, failure: Failure, reason: str, now: float) -> None:
        """The user's function said that no retry can help."""


class _Held:
    """One stream. `not_before`: when its function may run again; `until`: when the one that runs must have ended."""

    __slots__ = ("attempt", "gap", "job", "live_since", "messages", "name", "not_before", "phase", "size", "until")

    def __init__(self, name: str) -> None:
        self.name = name
        self.phase = Phase.DUE
        self.gap: Gap | None = None
        self.messages: deque[tuple[float, Message]] = deque()
        self.size = 0  # bytes
        self.job = 0
        self.until = math.inf
        self.attempt = 0  # runs since it was live for long
        self.not_before = -math.inf
        self.live_since = math.inf


class Resyncs:
    """All streams of a feed that match the setting, as long as they are wanted."""

    def __init__(self, setting: Resync, backoff: Backoff, stable_after: float, shared: Shared, outlet: Outlet) -> None:
        self.dropped = 0  # messages, ever
        self._setting = setting
        self._backoff = backoff
        self._stable_after = stable_after
        self._shared = shared
        self._outlet = outlet
        self._streams: dict[str, _Held] = {}
        self._pending: dict[str, _Held] = {}  # those that are not live
        self._ready: dict[str, _Held] = {}  # in the order in which they run
        self._running: dict[int, _Held] = {}  # by job
        self._size = 0  # bytes that are held
        self._deadline = math.inf

    # What is wanted

    def want(self, streams: Iterable[str]) -> None:
        for name in streams:
            if name not in self._streams and any(fnmatchcase(name, pattern) for pattern in self._setting.patterns):
                self._streams[name] = self._pending[name] = _Held(name)

    def forget(self, streams: Iterable[str], now: float) -> None:
        """Nobody wants these: what is held of them, neither."""
        for name in streams:
            if (held := self._streams.pop(name, None)) is not None:
                self._stop(held)
                self._ready.pop(name, None)
                self._pending.pop(name, None)
                self._size -= held.size
        self._go_on(now)

    def ask(self, streams: Sequence[str], now: float) -> None:
        """The consumer wants new snapshots of these; of all, if none is named. Raises ConfigError for unknown ones."""
        if unknown := [name for name in streams if name not in self._streams]:
            raise ConfigError(
                f"{', '.join(unknown)}: not wanted, or not among Resync.streams = {self._setting.streams!r}"
            )
        for name in streams or tuple(self._streams):
            held = self._streams[name]
            if held.phase is Phase.LIVE:  # else a message is waited for: what is fetched before it may be older
                self._set_ready(held, now)
        self._go_on(now)

    # Messages and gaps

    def put(self, messages: list[Message], nbytes: int, now: float) -> None:
        """Pass on what need not be held."""
        if not self._pending:
            self._pass_on(messages, nbytes, now)
            return
        passed: list[Message] = []
        pending = self._pending
        for message in messages:
            held = pending.get(message.stream) if isinstance(message, Update) else None  # type: ignore[arg-type]
            if held is None:
                passed.append(message)
                continue
            size = size_of(message)
            nbytes = max(0, nbytes - size)
            held.messages.append((now, message))
            held.size += size + ITEM_COST
            self._size += size + ITEM_COST
            if held.phase is Phase.DUE:
                self._set_ready(held, now)
        if passed:
            self._pass_on(passed, nbytes, now)
        if len(passed) < len(messages):
            while self._size > self._setting.max_held:
                self._drop(max(self._pending.values(), key=lambda one: one.size), now)
            self._go_on(now)

    def declared(self, gap: Gap, streams: Iterable[str], now: float) -> None:
        """A gap was declared: whom it concerns needs a new snapshot. Where it names no stream, these are concerned."""
        for name in tuple(streams) if gap.stream is None else (gap.stream,):
            if (held := self._streams.get(name)) is None:
                continue
            held.gap = gap
            if held.phase is Phase.LIVE:
                self._leave_live(held, now)
                held.phase = Phase.DUE
            elif held.phase is Phase.RUNNING:
                self._again(held)
        self._go_on(now)

    # What became of the function

    def fetched(self, job: int, snapshot: object, now: float) -> None:
        if (held := self._running.pop(job, None)) is None:
            return
        self._outlet.emit(Resynced(now, held.name, snapshot))
        held.phase, held.gap, held.until, held.live_since = Phase.LIVE, None, math.inf, now
        del self._pending[held.name]
        self._size -= held.size
        held.size = 0
        messages = [message for _, message in held.messages]
        held.messages.clear()
        if messages:
            self._pass_on(messages, sum(map(size_of, messages)), now)
        self._go_on(now)

    def failed(self, job: int, failure: Failure, now: float) -> None:
        if (held := self._running.pop(job, None)) is None:
            return
        if failure.final:
            self._outlet.gave_up(failure, "raised by the function of Resync", now)
            return
        self._fail(held, failure, now)
        self._go_on(now)

    # Time

    def next_deadline(self) -> float:
        return self._deadline

    def tick(self, now: float) -> None:
        for held in [one for one in self._running.values() if one.until <= now]:
            self._stop(held)
            self._fail(held, Failure(Cause.RESYNC, f"not done in {self._setting.timeout:g} s"), now)
        self._go_on(now)

    def stalled(self, late: float) -> None:
        """For `late` seconds we did not run, nor did the function."""
        for held in self._running.values():
            held.until += late
        self._plan()

    def end(self, now: float) -> None:
        """The feed ends. What is held cannot be used any more."""
        for held in list(self._running.values()):
            self._stop(held)
        pending = list(self._pending.values())
        for known in (self._streams, self._pending, self._ready):
            known.clear()
        self._deadline = math.inf
        for held in pending:
            if held.messages:
                self._lose(held, len(held.messages), Failure(Cause.RESYNC, "the feed ended before it"), now)

    # Inside

    def _pass_on(self, messages: list[Message], nbytes: int, now: float) -> None:
        if dropped := self._outlet.queue(messages, nbytes, now):
            failure = Failure(Cause.OVERFLOW, "of the queue")
            self.declared(Gap(now, now, now, failure, dropped=dropped), self._streams, now)  # the queue has declared it

    def _set_ready(self, held: _Held, now: float) -> None:
        if held.phase is Phase.LIVE:
            self._leave_live(held, now)
        held.phase = Phase.READY
        self._ready[held.name] = held

    def _leave_live(self, held: _Held, now: float) -> None:
        if now - held.live_since >= self._stable_after:
            held.attempt = 0
            held.not_before = now
        self._pending[held.name] = held

    def _again(self, held: _Held) -> None:
        """What runs would come too late: run it anew."""
        self._stop(held)
        held.phase = Phase.READY
        self._ready[held.name] = held

    def _stop(self, held: _Held) -> None:
        """What runs for it, if anything does."""
        if self._running.pop(held.job, None) is not None:
            self._shared.commands.append(EndJob(held.job))
            held.until = math.inf

    def _fail(self, held: _Held, failure: Failure, now: float) -> None:
        held.until = math.inf
        held.not_before = now + self._pause(held)
        held.phase = Phase.READY
        self._ready[held.name] = held
        self._outlet.emit(ResyncFailed(now, held.name, failure, held.not_before - now))

    def _pause(self, held: _Held) -> float:
        return self._backoff.pause(max(1, held.attempt), self._shared.random.random())

    def _drop(self, held: _Held, now: float) -> None:
        """The older half of what it holds."""
        failure = Failure(Cause.OVERFLOW, f"Resync.max_held is {self._setting.max_held}")
        self._lose(held, (len(held.messages) + 1) // 2, failure, now)

    def _lose(self, held: _Held, count: int, failure: Failure, now: float) -> None:
        since = held.messages[0][0]
        for _ in range(count):
            _, message = held.messages.popleft()
            size = size_of(message) + ITEM_COST
            held.size -= size
            self._size -= size
        self.dropped += count
        self._outlet.lose(Gap(now, since, now, failure, dropped=count, stream=held.name))

    def _go_on(self, now: float) -> None:
        """Run as many as may run."""
        at_once = self._setting.at_once
        if self._ready and len(self._running) < at_once:
            for held in [one for one in self._ready.values() if one.not_before <= now]:
                if self._shared.queue.snapshots_of(held.name) >= _MAY_WAIT:
                    held.not_before = now + _LOOK_AGAIN
                elif len(self._running) < at_once:
                    self._run(held, now)
        self._plan()

    def _run(self, held: _Held, now: float) -> None:
        del self._ready[held.name]
        held.job = self._shared.next_conn()
        held.phase = Phase.RUNNING
        held.until = now + self._setting.timeout
        held.attempt += 1
        held.not_before = now + self._pause(held)  # should there be a gap at once
        self._running[held.job] = held
        self._shared.commands.append(RunResync(held.job, self._setting.function, held.name, held.gap))

    def _plan(self) -> None:
        soonest = min((one.until for one in self._running.values()), default=math.inf)
        if len(self._running) < self._setting.at_once:
            soonest = min(soonest, min((one.not_before for one in self._ready.values()), default=math.inf))
        self._deadline = soonest
