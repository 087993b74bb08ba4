"""What a sink is."""

from __future__ import annotations

from typing import Protocol


class SinkGone(Exception):
    """For a sink to raise when it will never take anything again, such as a pipe that nobody reads any more."""


class Sink(Protocol):
    """Takes lines, in a thread of its own, one call at a time: it may block, and nothing but this sink waits for it.

    A class is named in the file as `type = "package.module:Class"`; the other keys of its table are its arguments,
    which are checked by their type hints. Making one must not do what may take long: that belongs into `open`.
    """

    def open(self) -> None:
        """Called once before all else, again after it raised OSError. At the start of the command an error ends it."""
        ...

    def write(self, lines: bytes) -> None:
        """One or more whole lines of JSON, each with its line end. They were taken when this returns.

        After an exception the same lines are given again, a second later: none of them may have been kept. After
        SinkGone nothing is given any more.
        """
        ...

    def close(self) -> None:
        """All is written; nothing more is called."""
        ...
