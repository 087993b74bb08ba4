"""The log of the command: lines on stderr, written by a thread, so that a terminal that rests holds up nothing."""

from __future__ import annotations

import logging

from holdfast_cli.output import STDERR, LineWriter

_LAST_LINES = 1.0  # seconds that the last lines may take


class LogHandler(logging.Handler):
    """Lines that find no room are left out, and counted in the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._writer = LineWriter(on_failure=lambda _: None)
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        if self._writer.is_full:
            self._left_out += 1
            return
        try:
            line = self.format(record)
        except Exception:  # as all handlers do: no log may end what it tells of
            self.handleError(record)
            return
        if self._left_out:
            line = f"({self._left_out} lines were left out here)\n{line}"
            self._left_out = 0
        self._writer.put(STDERR, f"{line}\n".encode(errors="replace"))

    def finish(self) -> None:
        """Write what is there, if that can be done soon."""
        self._writer.finish(_LAST_LINES)
