"""Sinks as a user would write them, for `type = "helpers.sinks_of_ones_own:..."`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event


class Appending:
    """Each batch goes to a file."""

    def __init__(self, path: str, prefix: str = "") -> None:
        self._path = Path(path)
        self._prefix = prefix.encode()

    def open(self) -> None:
        self._path.touch()

    def write(self, lines: bytes) -> None:
        with self._path.open("ab") as file:
            file.writelines(self._prefix + line for line in lines.splitlines(keepends=True))

    def close(self) -> None:
        with self._path.open("ab") as file:
            file.write(b"closed\n")


class Keyed(Appending):
    """With a secret among its arguments."""

    def __init__(self, key: str) -> None:
        super().__init__(key)


class Stuck:
    """Takes nothing, ever."""

    def open(self) -> None: ...

    def write(self, lines: bytes) -> None:
        Event().wait()

    def close(self) -> None: ...


class Signalling:
    """A signal comes while it is opened: before the event loop runs."""

    def open(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def write(self, lines: bytes) -> None: ...

    def close(self) -> None: ...


class Broken:
    """Cannot be opened."""

    def open(self) -> None:
        raise PermissionError(13, "Permission denied")

    def write(self, lines: bytes) -> None: ...

    def close(self) -> None: ...
