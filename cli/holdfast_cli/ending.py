"""How `tail` ends before its feed does: a signal came, or nobody reads what it writes."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from holdfast_cli.exits import Exit, fail

SIGNALS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Ending:
    """Takes note of the first reason to end, and cancels what `cancel` stands for. Holds the signals in its `with`."""

    def __init__(self) -> None:
        self.cancel: Callable[[], object] | None = None  # safe to call from a thread or a signal handler
        self.code: Exit | None = None
        self._error: OSError | None = None

    def __enter__(self) -> Self:
        # Neither asyncio nor trio takes a signal that has a handler already: this one holds until the end.
        self._before = {number: signal.signal(number, self.on_signal) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def output_failed(self, error: OSError) -> None:
        """Writing to stdout or stderr failed. May be called from any thread."""
        if error.errno in (errno.EPIPE, errno.ESHUTDOWN):
            self._end(Exit.READER_GONE)
        else:
            self._error = error
            self._end(Exit.BROKEN)

    def check_output(self) -> None:
        """End with an error if output failed for another reason than that its reader went away."""
        if self._error is not None:
            fail(f"cannot write: {self._error.strerror}", Exit.BROKEN)

    def on_signal(self, number: int, _frame: object = None) -> None:
        """The handler of SIGNALS."""
        code = SIGNALS[signal.Signals(number)]
        if self.cancel is None or self.code is not None:
            os._exit(code)  # nothing to cancel, or it takes too long for whoever pressed Ctrl-C again
        self._end(code)

    def _end(self, code: Exit) -> None:
        if self.code is None:
            self.code = code
        if self.cancel is not None:
            with suppress(RuntimeError):  # the loop is over: then there is nothing left to cancel
                self.cancel()
