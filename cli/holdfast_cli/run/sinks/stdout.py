"""Lines to stdout."""

from __future__ import annotations

import errno
import os
import select
from dataclasses import dataclass, field

from holdfast_cli.run.sinks.sink import SinkGone

_STDOUT = 1
_LOOK_AGAIN = 1.0  # seconds


@dataclass(slots=True)
class Stdout:
    """The standard output of the command. When its reader goes away, as `head` does, that is the end of this sink."""

    _written: int = field(default=0, init=False)  # of the lines that could not all be written, and are given again

    def open(self) -> None:
        """It is."""

    def write(self, lines: bytes) -> None:
        view = memoryview(lines)
        while self._written < len(lines):
            try:
                # Not through sys.stdout: what cannot be written must not be tried again when the interpreter ends.
                self._written += os.write(_STDOUT, view[self._written :])
            except BlockingIOError:  # whoever shares the terminal with us may have made it so
                select.select([], [_STDOUT], [], _LOOK_AGAIN)
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.ESHUTDOWN, errno.EBADF):
                    raise SinkGone("its reader is gone") from None
                raise
        self._written = 0

    def close(self) -> None:
        """It stays open."""
