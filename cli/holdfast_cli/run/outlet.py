"""The way to one sink: a bounded queue, and a thread that empties it.

Whatever the sink does, a sluggish disk or a reader that rests, holds up this thread and nothing else. At the bound new
lines are dropped until the queue is half empty; then a line in their place says how many they were.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic, time

from holdfast_cli.run.sinks import Sink, SinkGone

_LOG = logging.getLogger("holdfast.run")
_AT_ONCE = 1024 * 1024  # bytes given to a sink in one call, about
_AGAIN = 1.0  # seconds until what failed is tried again
_FOR_PREDECESSOR = 5.0  # seconds, at most, until what the sink takes the place of is closed
_LINE_COST = 64  # bytes that a line takes beside its text: an object's head, a place in the queue


class Outlet:
    """`put` belongs to one thread, that of the loop. `on_gone` is called from the outlet's thread, at most once.

    `replaces`: what was dismissed for it, and may hold what this sink wants: a path, say.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        bound: int,
        on_gone: Callable[[], None] = lambda: None,
        retry_after: float = _AGAIN,
        replaces: Outlet | None = None,
    ) -> None:
        self.name = name
        self.is_gone = False
        self.is_failing = False  # what it was given last it did not take, and it is tried again
        self.lost = 0  # lines, ever
        self.put_lines = 0  # lines, ever, those that were lost not counted
        self._sink = sink
        self._bound = bound
        self._on_gone = on_gone
        self._retry_after = retry_after
        self._linger: float = getattr(sink, "linger", 0.0)
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._put = 0  # bytes; this and the next are changed by one thread each
        self._taken = 0
        self._losing: tuple[int, float] | None = None  # how many lines since when
        self._replaces = replaces
        self._is_open = False
        self._has_ended_well = False
        self._finishing = Event()
        self._given_up = Event()
        self._thread = Thread(target=self._run, name=f"holdfast sink {name}", daemon=True)

    @property
    def queued(self) -> int:
        """Bytes that wait for the sink, with what lines cost beside their text."""
        return self._put - self._taken

    def open(self) -> None:
        """Open the sink now, in this thread, so that an error is the caller's. Otherwise `start` sees to it."""
        self._sink.open()
        self._is_open = True

    def start(self) -> None:
        self._thread.start()

    def abandon(self) -> None:
        """Close what was opened, in place of `start`."""
        if self._is_open:
            with suppress(Exception):  # of a sink of the user's; there is an error to be told already
                self._sink.close()

    def put(self, line: bytes) -> None:
        """One line with its end. Never blocks."""
        if self._losing is None:
            if self.queued + len(line) + _LINE_COST <= self._bound and not self.is_gone:
                self._append(line)
                return
            if not self.is_gone:
                _LOG.error("sink %s: full, %d bytes wait: lines are lost from here on", self.name, self.queued)
            self._losing = (0, time())
        elif self.queued <= self._bound // 2 and not self.is_gone:
            self._declare()
            self._append(line)
            return
        self.lost += 1
        self._losing = (self._losing[0] + 1, self._losing[1])

    def finish(self) -> None:
        """Nothing more is put: the thread ends when all is written."""
        if self._losing is not None and not self.is_gone:
            self._declare()
        self._lines.put(_END)
        self._finishing.set()

    def dismiss(self) -> None:
        """Nobody wants it any more: `finish`; but one that could never be opened is not tried for ever."""
        self.finish()
        if not self._is_open:
            self._given_up.set()
            if self.queued:
                _LOG.error("sink %s: could not be opened: %d bytes that waited for it are lost", self.name, self.queued)

    def wait(self, timeout: float) -> bool:
        """After `finish`: whether all was written in this time. If not, the sink is left as it is."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        self._given_up.set()
        return self._has_ended_well or (self.is_gone and not self.queued)

    def is_done(self) -> bool:
        """After `finish`: whether the thread has ended."""
        return not self._thread.is_alive()

    def _append(self, line: bytes) -> None:
        self._put += len(line) + _LINE_COST
        self.put_lines += 1
        self._lines.put(line)

    def _declare(self) -> None:
        assert self._losing is not None
        count, since = self._losing
        self._losing = None
        now = time()
        told = {"event": "SinkLost", "at": now, "sink": self.name, "lines": count, "since": since, "until": now}
        self._append(json.dumps(told).encode() + b"\n")
        _LOG.error("sink %s: %d lines were lost in %.3g s: the sink did not take them", self.name, count, now - since)

    # In the outlet's thread

    def _run(self) -> None:
        try:
            if self._replaces is not None:
                self._replaces._thread.join(_FOR_PREDECESSOR)
                self._replaces = None
            if not self._is_open and not self._insist(self._sink.open):
                self._has_ended_well = True  # it was dismissed, and what that cost was told
                return
            self._is_open = True
            while batch := self._next_batch():
                lines = b"".join(batch)
                if not self._insist(lambda lines=lines: self._sink.write(lines)):  # type: ignore[misc]
                    return
                self._taken += len(lines) + _LINE_COST * len(batch)
            self._has_ended_well = self._insist(self._sink.close)
        except SinkGone as gone:
            self.is_gone = True
            _LOG.error("sink %s: gone for good: %s", self.name, gone)
            self._on_gone()

    def _next_batch(self) -> list[bytes]:
        """The lines that are there, not too many; none at the end."""
        batch = [self._lines.get()]
        if self._linger > 0 and batch[0] is not _END:
            self._finishing.wait(self._linger)
        size = len(batch[0])
        while batch[-1] is not _END and size < _AT_ONCE and not self._lines.empty():
            batch.append(self._lines.get())
            size += len(batch[-1])
        if batch[-1] is _END:
            self._lines.put(batch.pop())  # for the next time
        return batch

    def _insist(self, what: Callable[[], None]) -> bool:
        """Try until it is done; False if that is waited for no more."""
        failed_at: float | None = None
        while True:
            try:
                what()
            except SinkGone:
                raise
            except (Exception, SystemExit) as error:  # a sink of the user's may raise anything
                if failed_at is None:
                    failed_at, self.is_failing = monotonic(), True
                    _LOG.error("sink %s: %s: trying again", self.name, in_words(error))
                if self._given_up.wait(self._retry_after):
                    return False
            else:
                if failed_at is not None:
                    self.is_failing = False
                    _LOG.warning("sink %s: goes on after %.3g s", self.name, monotonic() - failed_at)
                return True


def in_words(error: BaseException) -> str:
    """What a sink raised."""
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    named = f"{error.filename}: " if error.filename else ""
    return f"{named}{error.strerror or error}"


_END = b""
