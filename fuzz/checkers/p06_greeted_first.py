"""Promise 6, where the user has an `on_connect`: nothing is asked for before it is done, nor if it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import Checker
from fuzz.ear import Frames
from fuzz.greetings import GREETING
from holdfast import Connected, Event
from holdfast.commands import Command, Write

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_TEXT = 0x1


class GreetedFirst(Checker):
    promise = 6

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self.is_idle = voyage.greetings is None
        self._written = Frames()

    def _outcome(self, conn: int) -> str:
        assert self.voyage.greetings is not None
        return self.voyage.greetings.outcomes.get(conn, "missing")

    def on_event(self, event: Event) -> None:
        if isinstance(event, Connected) and self._outcome(event.conn) != "done":
            self.fail(f"connection {event.conn} is open, and its on_connect is {self._outcome(event.conn)}")

    def on_command(self, command: Command, now: float) -> None:
        if not isinstance(command, Write) or command.data.startswith(b"GET "):
            return
        for first, payload in self._written.of(command):
            is_asked = first & 0x0F == _TEXT and payload != GREETING.encode()
            if is_asked and self._outcome(command.conn) != "done":
                self.fail(f"connection {command.conn} asks {payload!r}; on_connect is {self._outcome(command.conn)}")
