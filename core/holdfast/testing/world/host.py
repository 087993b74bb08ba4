"""A host that can be dialled: a server machine behind an address, and what may become of a dial."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import count
from typing import Protocol

from holdfast.failures import Cause, Failure
from holdfast.testing.commands import Abort, Finish, ServerCommand, Write
from holdfast.testing.world.link import Link
from holdfast.testing.world.schedule import Appointment, Schedule


class ServerMachine(Protocol):
    """What `Exchange` is: a server without I/O. Commands are Write, Finish and Abort."""

    def accepted(self, conn: int, now: float) -> None: ...
    def received(self, conn: int, data: bytes, now: float) -> None: ...
    def disconnected(self, conn: int, now: float) -> None: ...
    def tick(self, now: float) -> None: ...
    def take_commands(self) -> Sequence[ServerCommand]: ...
    def next_deadline(self) -> float: ...


class Dialling(Enum):
    """What becomes of dials to a host."""

    ANSWERED = "answered"
    REFUSED = "refused"
    HANGS = "hangs"
    DNS_FAILS = "dns fails"
    TLS_FAILS = "tls fails"


FAILURES = {
    Dialling.REFUSED: Failure(Cause.REFUSED, "simulated"),
    Dialling.DNS_FAILS: Failure(Cause.DNS, "simulated"),
    Dialling.TLS_FAILS: Failure(Cause.TLS, "simulated"),
}


class Host:
    """Carries out a server's commands on its links, and keeps its one timer. It numbers connections by itself."""

    def __init__(self, name: str, server: ServerMachine, schedule: Schedule) -> None:
        self.name = name
        self.server = server
        self.dialling = Dialling.ANSWERED
        self.links: dict[int, Link] = {}
        self._numbers = count(1)
        self._schedule = schedule
        self._armed: Appointment | None = None

    def next_conn(self) -> int:
        """A number for a dial; those of the processes that dial would collide."""
        return next(self._numbers)

    def accept(self, conn: int, link: Link) -> None:
        """A dial arrived."""
        self.links[conn] = link
        self.server.accepted(conn, self._schedule.now)
        self.settle()

    def received(self, conn: int, data: bytes) -> None:
        if conn in self.links:
            self.server.received(conn, data, self._schedule.now)
            self.settle()

    def ended(self, conn: int) -> None:
        """The client's side of a connection is over; so is ours."""
        if (link := self.links.pop(conn, None)) is not None:
            self.server.disconnected(conn, self._schedule.now)
            link.downward.put(None)
            self.settle()

    def settle(self) -> None:
        """Carry out commands and arm the timer: to be called after every input to the server."""
        if commands := self.server.take_commands():
            self._carry_out(commands)
        self._arm(self.server.next_deadline())

    def _carry_out(self, commands: Sequence[ServerCommand]) -> None:
        outgoing: dict[int, list[bytes]] = {}
        for command in commands:
            conn = command.conn
            if conn not in self.links:
                continue
            if isinstance(command, Write):
                outgoing.setdefault(conn, []).append(command.data)
                continue
            self._send(conn, outgoing.pop(conn, []))
            link = self.links.pop(conn)
            if isinstance(command, Finish):
                link.downward.put(None)
            elif isinstance(command, Abort):
                link.downward.break_off()
            link.upward.abandon()
        for conn, pieces in outgoing.items():
            self._send(conn, pieces)

    def _send(self, conn: int, pieces: list[bytes]) -> None:
        if pieces:
            self.links[conn].downward.put(b"".join(pieces))

    def _arm(self, deadline: float) -> None:
        if self._armed is not None:
            if self._armed.at == deadline and self._armed.call is not None:
                return
            self._armed.cancel()
        self._armed = self._schedule.call_at(deadline, self._tick) if deadline < float("inf") else None

    def _tick(self) -> None:
        self._armed = None
        self.server.tick(self._schedule.now)
        self.settle()
