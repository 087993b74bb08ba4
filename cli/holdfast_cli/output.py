"""Lines to stdout and stderr, in their order, from a thread of their own.

Writing to a pipe blocks when its reader rests (`| less`). In the event loop that would hold up our pongs, and the
server would hang up on a connection that is in best health.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from queue import SimpleQueue
from threading import Thread

STDOUT = 1
STDERR = 2
_FULL = 4 * 1024 * 1024  # bytes


class LineWriter:
    """Writes what is put, all that is there at once. `on_failure` is called from the thread, at most once."""

    def __init__(self, on_failure: Callable[[OSError], None]) -> None:
        self._lines: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self._put = 0  # bytes; each of the two is changed by one thread only
        self._written = 0
        self._on_failure = on_failure
        # A daemon: a reader that rests for ever must not keep us from ending.
        self._thread = Thread(target=self._run, name="holdfast output", daemon=True)
        self._thread.start()

    def put(self, fd: int, line: bytes) -> None:
        """Have it written soon, behind all that was put before. Never blocks."""
        self._put += len(line)
        self._lines.put((fd, line))

    @property
    def is_full(self) -> bool:
        """Whether the reader is so far behind that whoever puts should wait."""
        return self._put - self._written > _FULL

    def finish(self, timeout: float | None = None) -> None:
        """Wait until all is written, or could not be; at most `timeout` seconds."""
        self._lines.put(_END)
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while True:
                batch = [self._lines.get()]
                while not self._lines.empty():
                    batch.append(self._lines.get())
                for fd, lines in groupby(batch, key=itemgetter(0)):
                    if fd == _END[0]:
                        return
                    self._write(fd, b"".join(line for _, line in lines))
        except OSError as error:
            self._on_failure(error)

    def _write(self, fd: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            # Not through sys.stdout: what cannot be written must not be tried again when the interpreter ends.
            rest = rest[os.write(fd, rest) :]
        self._written += len(data)


_END = (-1, b"")
