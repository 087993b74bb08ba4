"""What must hold of every run, whatever it is about: promises of the contract, checked on each output."""

from __future__ import annotations

import math

from holdfast import (
    Cause,
    Closed,
    Connected,
    ConnectFailed,
    Connecting,
    Disconnected,
    Event,
    Fleet,
    Gap,
    Item,
    Paused,
    RetryScheduled,
)
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
from holdfast.wire import CLOSE


class Audit:
    """Fed with all commands and items of one fleet, in order; asserts."""

    def __init__(self) -> None:
        self.closing = False  # close() was called
        self._dialled: set[int] = set()
        self._connected: set[int] = set()
        self._made = self._greeted = 0  # the latest for which an endpoint was asked for, and on_connect called
        self._over: set[int] = set()  # their sockets are gone: by our command or of themselves
        self._paused: set[int] = set()
        self._said_close: set[int] = set()
        self._open: int | None = None
        self._lost_at: float | None = None  # an open connection was lost, and no gap was declared yet
        self._last_at = -math.inf
        self._closed = False

    # Told by the driver

    def input_connected(self, conn: int) -> None:
        self._connected.add(conn)

    def input_ended(self, conn: int) -> None:
        self._over.add(conn)

    def after_input(self, fleet: Fleet) -> None:
        deadline = fleet.next_deadline()
        assert deadline == fleet.next_deadline(), "next_deadline() is no pure getter"

    # Commands

    def command(self, command: Command) -> None:
        conn = command.conn
        assert not (self._closed and isinstance(command, Connect)), "a dial behind Closed"
        if isinstance(command, MakeEndpoint | Connect):
            assert not self.closing, "a dial after close()"
            assert conn > max(self._dialled, default=0), "a number was used again"
        if isinstance(command, MakeEndpoint):
            assert conn > self._made, "an endpoint made twice for one dial"
            self._made = conn
            return
        if isinstance(command, Connect):
            self._dialled.add(conn)
            return
        if isinstance(command, EndJob):
            return
        if isinstance(command, RunResync):
            assert not self._closed, "a function of the user's runs behind Closed"
            return
        assert conn in self._dialled, "a command for a connection that was never dialled"
        assert conn not in self._over, f"{command!r} for a connection that is gone"
        if isinstance(command, Write):
            assert conn in self._connected, "a write before the dial succeeded"
            assert command.data, "an empty write"
            assert conn not in self._said_close, "a write behind the close frame"
            if command.data[0] == 0x80 | CLOSE:
                self._said_close.add(conn)
        elif isinstance(command, RunOnConnect):
            assert conn > self._greeted, "on_connect twice for one connection"
            self._greeted = conn
        elif isinstance(command, Pause):
            assert conn not in self._paused, "paused twice"
            self._paused.add(conn)
        elif isinstance(command, Resume):
            assert conn in self._paused, "resumed without a pause"
            self._paused.discard(conn)
        else:
            assert isinstance(command, Disconnect)
            self._over.add(conn)

    # Items

    def item(self, item: Item) -> None:
        assert not self._closed, f"{item!r} stands behind Closed"
        if not isinstance(item, Event):
            assert self._open is not None, f"message {item!r} outside of a connection"
            assert self._lost_at is None, f"message {item!r} before the gap was declared"
            return
        if isinstance(item, Gap) and item.cause.cause is Cause.OVERFLOW:
            assert item.since <= item.until, "a gap that ends before it begins"
            return
        assert item.at >= self._last_at, f"{item!r} is out of order"
        self._last_at = item.at
        if isinstance(item, Connected):
            assert self._open is None
            self._open = item.conn
        elif isinstance(item, Disconnected):
            assert self._open == item.conn
            assert item.lasted >= 0
            self._open, self._lost_at = None, item.at
        elif isinstance(item, Gap):
            assert self._lost_at is not None, "a gap without a loss"
            assert item.since <= self._lost_at <= item.until <= item.at
            self._lost_at = None
        elif isinstance(item, Connecting | ConnectFailed | RetryScheduled):
            assert self._open is None
        elif isinstance(item, Paused):
            assert self._open is not None
        elif isinstance(item, Closed):
            assert self._lost_at is None or item.failure is None, "gave up without declaring the gap"
            self._closed = True
