"""Promise 3: a dead peer is found within ping interval and timeout of its last byte, our own stalls aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.checkers.base import EPSILON, Checker, Stalls
from holdfast.commands import Command, Disconnect, Resume

if TYPE_CHECKING:
    from fuzz.voyage import Voyage


class DeadPeerFound(Checker):
    promise = 3

    def __init__(self, voyage: Voyage) -> None:
        super().__init__(voyage)
        self._stalls = Stalls()
        self._last_read: dict[int, tuple[float, float]] = {}  # when, and the stalls until then
        keepalive = self.config.keepalive
        self._patience = None if keepalive.interval is None else keepalive.interval + keepalive.timeout
        window = self.config.message_window
        if self._patience is not None and window is not None and window.counts_control:
            self._patience += window.period + window.margin  # a ping waits its turn

    def on_stall(self, since: float, until: float) -> None:
        self._stalls.add(since, until)

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        self._look(conn, now)
        self._last_read[conn] = (now, self._stalls.total)

    def on_command(self, command: Command, now: float) -> None:
        if isinstance(command, Resume):
            self._last_read[command.conn] = (now, self._stalls.total)  # what lay unread is read from here on
        elif isinstance(command, Disconnect) and command.conn in self._last_read:
            self._look(command.conn, now)
            del self._last_read[command.conn]

    def _look(self, conn: int, now: float) -> None:
        socket = self.voyage.process.sockets.get(conn)
        if self._patience is None or socket is None or socket.paused or conn not in self._last_read:
            return
        at, stalled = self._last_read[conn]
        silence = now - at - (self._stalls.total - stalled)
        # The handshake and the close have deadlines of their own.
        allowed = max(self._patience, self.config.timeouts.connect) + self.config.timeouts.close
        if silence > allowed + EPSILON:
            self.fail(f"connection {conn} was kept through {silence:g} s of silence; {self._patience:g} s are allowed")

    def after_healing(self, now: float) -> None:
        for conn in list(self._last_read):
            self._look(conn, now)
