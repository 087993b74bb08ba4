"""Our side: a driver for any machine with the contract, in a process that can stall; its consumer can be slow."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from holdfast.commands import (
    Command,
    Connect,
    Disconnect,
    EndJob,
    MakeEndpoint,
    Pause,
    Resume,
    RunOnConnect,
    RunResync,
    Write,
)
from holdfast.endpoint import Endpoint
from holdfast.events import Item
from holdfast.failures import Cause, Failure
from holdfast.fleet import Fleet
from holdfast.testing.world.jobs import Jobs
from holdfast.testing.world.link import Link
from holdfast.testing.world.schedule import Appointment, Schedule

READ_SIZE = 64 * 1024


class Machine(Protocol):
    """The contract of a client machine, as `Fleet` has it."""

    def start(self, now: float, wall_offset: float = 0.0) -> None: ...
    def connected(self, conn: int, now: float) -> None: ...
    def connect_failed(self, conn: int, failure: Failure, now: float) -> None: ...
    def received(self, conn: int, data: bytes, now: float) -> object: ...
    def disconnected(self, conn: int, failure: Failure | None, now: float) -> None: ...
    def tick(self, now: float) -> None: ...
    def close(self, now: float, code: int = 1000, reason: str = "") -> None: ...
    def take_commands(self) -> Sequence[Command]: ...
    def take_items(self, limit: int | None = None) -> list[Item]: ...
    def next_deadline(self) -> float: ...
    @property
    def has_items(self) -> bool: ...


class Observer:
    """Sees everything that passes between machine and world. Checkers derive from it and override what they need."""

    def on_command(self, command: Command, now: float) -> None:
        """A command is about to be carried out."""

    def on_item(self, item: Item, now: float) -> None:
        """The consumer took an item."""

    def on_dialled(self, conn: int, endpoint: Endpoint, now: float) -> None:
        """A dial begins."""

    def on_postponed(self, conn: int, until: float, now: float) -> None:
        """A dial does not begin, because others dial; the machine is to ask again at `until`."""

    def on_arrival(self, conn: int, data: bytes, now: float) -> None:
        """Bytes reached our host; the machine may not have read them yet."""

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        """The machine was given bytes."""

    def on_stall(self, since: float, until: float) -> None:
        """Our process did not run in between."""

    def on_settled(self, machine: Machine, now: float) -> None:
        """An input has been dealt with."""


_HOOKS = tuple(name for name in vars(Observer) if name.startswith("on_"))


class Socket:
    """What our kernel holds of one connection: bytes that arrived and were not read, and whether more can come."""

    def __init__(self, conn: int) -> None:
        self.conn = conn
        self.link: Link | None = None  # None while dialling
        self.unread: deque[bytes] = deque()
        self.ended: tuple[Failure | None] | None = None
        self.paused = False


class Process:
    """Drives a machine by the five steps, in simulated time."""

    def __init__(self, machine: Machine, schedule: Schedule, dial: Callable[[Socket, Endpoint], None]) -> None:
        self.machine = machine
        self.sockets: dict[int, Socket] = {}
        self.consumer_pause = 0.0  # seconds between two takes; 0: at once
        self.consumer_limit: int | None = None  # items a take
        self.awake_at = -math.inf
        # Of dials, which others keep as well: for how many seconds one to that host must be put off, 0 for none.
        self.outer_window: Callable[[str], float] | None = None
        self._stalled = False
        self._hooks: dict[str, list[Callable[..., None]]] = {name: [] for name in _HOOKS}
        self._on_command, self._on_settled = self._hooks["on_command"], self._hooks["on_settled"]
        self._schedule = schedule
        self._dial = dial
        self._armed: Appointment | None = None
        self._taking: Appointment | None = None
        self._inbox: list[Callable[[], None]] = []  # what became of dials, and came during a stall
        # Only a fleet asks for functions to be run.
        fleet = cast(Fleet, machine)
        self._jobs = Jobs(
            fleet, lambda: schedule.now, self.settle, schedule.call_at, is_awake=lambda: not self._stalled
        )

    def observe(self, observer: Observer) -> None:
        """Only what it overrides is called: the world spends most of its time here."""
        for name, hooks in self._hooks.items():
            if getattr(type(observer), name) is not getattr(Observer, name):
                hooks.append(getattr(observer, name))

    @property
    def jobs_running(self) -> set[int]:
        """The functions of the user's that run, by the numbers of their jobs."""
        return self._jobs.running

    # Driving

    def start(self, wall_offset: float = 0.0) -> None:
        self.machine.start(self._schedule.now, wall_offset)
        self.settle()

    def close(self) -> None:
        self.machine.close(self._schedule.now)
        self.settle()

    def end_jobs(self) -> None:
        """Nobody will look at this world again: the user's functions that run in it end."""
        for number in self._jobs.running:
            self._jobs.end(number)

    def tick(self) -> None:
        """One more tick than there need be, as a spurious wake-up gives."""
        if not self._stalled:
            self.machine.tick(self._schedule.now)
            self.settle()

    def stall(self, seconds: float) -> None:
        """Our whole process does not run for so long: a blocked loop, a suspended laptop."""
        since = self._schedule.now
        self.awake_at = max(self.awake_at, since + seconds)
        self._stalled = True  # until it wakes: what comes in that same moment waits in its turn
        for hook in self._hooks["on_stall"]:
            hook(since, self.awake_at)
        self._schedule.call_at(self.awake_at, self._wake)

    def settle(self) -> None:
        """Steps 2 to 4 of the contract."""
        now, machine = self._schedule.now, self.machine
        for command in machine.take_commands():
            for hook in self._on_command:
                hook(command, now)
            self._carry_out(command)
        if machine.has_items and self._taking is None:
            if self.consumer_pause:
                self._taking = self._schedule.call_in(self.consumer_pause, self._take)
            else:
                self._hand_over()
        self._arm(machine.next_deadline())
        for hook in self._on_settled:
            hook(machine, now)
        self._jobs.go_on()

    def _carry_out(self, command: Command) -> None:
        conn = command.conn
        if isinstance(command, Connect):
            window = self.outer_window
            if window is not None and (wait := window(command.endpoint.host)) > 0:
                self._schedule.call_in(0.0, lambda: self._postpone(conn, wait))
                return
            socket = self.sockets[conn] = Socket(conn)
            for hook in self._hooks["on_dialled"]:
                hook(conn, command.endpoint, self._schedule.now)
            self._dial(socket, command.endpoint)
            return
        if isinstance(command, MakeEndpoint | RunOnConnect | RunResync):
            self._jobs.start(command)
            return
        if isinstance(command, EndJob):
            self._jobs.end(conn)
            return
        socket_of_conn = self.sockets.get(conn)
        if socket_of_conn is None:
            return
        if isinstance(command, Write):
            if socket_of_conn.link is not None:
                socket_of_conn.link.upward.put(command.data)
        elif isinstance(command, Pause):
            socket_of_conn.paused = True
        elif isinstance(command, Resume):
            socket_of_conn.paused = False
            self._schedule.call_in(0.0, lambda: self._read_all(socket_of_conn))
        elif isinstance(command, Disconnect):
            self._shut(socket_of_conn)

    def _postpone(self, conn: int, wait: float) -> None:
        if self._stalled:
            self._inbox.append(lambda: self._postpone(conn, wait))
            return
        now = self._schedule.now
        for hook in self._hooks["on_postponed"]:
            hook(conn, now + wait, now)
        self._jobs.fleet.postponed(conn, now + wait, now)
        self.settle()

    def _shut(self, socket: Socket) -> None:
        self.sockets.pop(socket.conn, None)
        if socket.link is not None:
            socket.link.downward.abandon()
            socket.link.upward.put(None)

    def _hand_over(self) -> None:
        now, hooks = self._schedule.now, self._hooks["on_item"]
        for item in self.machine.take_items(self.consumer_limit):
            for hook in hooks:
                hook(item, now)

    def _take(self) -> None:
        self._taking = None
        if self._stalled:
            self._taking = self._schedule.call_at(self.awake_at, self._take)
            return
        self._hand_over()
        self.settle()

    def _arm(self, deadline: float) -> None:
        if self._armed is not None:
            if self._armed.at == deadline and self._armed.call is not None:
                return
            self._armed.cancel()
        self._armed = self._schedule.call_at(deadline, self._deadline_came) if deadline < math.inf else None

    def _deadline_came(self) -> None:
        self._armed = None
        if not self._stalled:
            self._read_and_tick()

    def drain(self) -> None:
        """The consumer takes everything there is, now."""
        self.consumer_limit = None
        self._hand_over()
        self.settle()

    # What the network brings

    def dial_done(self, socket: Socket, link: Link | None, failure: Failure | None) -> None:
        """A dial succeeded (with a link) or failed."""
        if socket.conn not in self.sockets:
            return
        if self._stalled:
            socket.link = link
            self._inbox.append(lambda: self.dial_done(socket, link, failure))
            return
        now = self._schedule.now
        if failure is not None:
            del self.sockets[socket.conn]
            self.machine.connect_failed(socket.conn, failure, now)
        else:
            socket.link = link
            self.machine.connected(socket.conn, now)
        self.settle()

    def arrived(self, socket: Socket, data: bytes) -> None:
        """Bytes reached our kernel."""
        now = self._schedule.now
        for hook in self._hooks["on_arrival"]:
            hook(socket.conn, data, now)
        if socket.unread or socket.paused or self._stalled:
            socket.unread.append(data)
            return
        self._give(socket, data)

    def ended(self, socket: Socket, *, broken: bool, failure: Failure | None = None) -> None:
        """The stream is over: RST if `broken`, which throws away what was not read, else FIN, or `failure`."""
        if broken:
            socket.unread.clear()
        socket.ended = (Failure(Cause.RESET, "simulated") if broken else failure,)
        if not self._stalled and not socket.paused:
            self._read_all(socket)

    def _give(self, socket: Socket, data: bytes) -> None:
        now = self._schedule.now
        for hook in self._hooks["on_read"]:
            hook(socket.conn, data, now)
        self.machine.received(socket.conn, data, now)
        self.settle()

    def _read_some(self, socket: Socket) -> bool:
        """One read, as large as a driver's; whether there was anything."""
        if socket.conn not in self.sockets or socket.paused or socket.link is None:
            return False
        if socket.unread:
            data = b"".join(socket.unread)
            socket.unread.clear()
            if len(data) > READ_SIZE:
                socket.unread.append(data[READ_SIZE:])
            self._give(socket, data[:READ_SIZE])
            return True
        if socket.ended is not None:
            del self.sockets[socket.conn]
            socket.link.downward.abandon()
            socket.link.upward.put(None)
            self.machine.disconnected(socket.conn, socket.ended[0], self._schedule.now)
            self.settle()
        return False

    def _read_and_tick(self) -> None:
        """Step 5: what is readable is read, once from each socket, before the machine judges anybody."""
        for socket in [one for one in self.sockets.values() if one.unread or one.ended is not None]:
            self._read_some(socket)
        self.machine.tick(self._schedule.now)
        self.settle()

    def _read_all(self, socket: Socket) -> None:
        while not self._stalled and self._read_some(socket):
            pass

    # Stalls

    def _wake(self) -> None:
        if self._schedule.now < self.awake_at:
            return  # a longer stall began meanwhile
        self._stalled = False
        inbox, self._inbox = self._inbox, []
        for outcome in inbox:
            outcome()
        self._read_and_tick()
        for socket in list(self.sockets.values()):
            self._read_all(socket)
        self._jobs.go_on()
