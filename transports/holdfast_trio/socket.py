"""One socket under trio: a reader and a writer, nothing decided."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from holdfast.driver import READ_SIZE
from holdfast.failures import Cause, Failure, failure_of_stream

if TYPE_CHECKING:
    from holdfast_trio.driver import TrioDriver

_HIGH_WATER = 64 * 1024  # bytes unsent from which `send` waits
_LOW_WATER = 16 * 1024  # and until when
_FAREWELL = 0.1  # seconds for a last close frame when there is no time for the closing handshake


class Socket:
    """`run` reads and writes until the stream ends, or `abort`."""

    __slots__ = (
        "_broken",
        "_driver",
        "_failure",
        "_max_unsent",
        "_more_to_send",
        "_reading",
        "_scope",
        "_sending",
        "_stream",
        "_unsent",
        "_unsent_size",
        "conn",
        "writable",
    )

    def __init__(self, driver: TrioDriver, conn: int, stream: trio.abc.Stream) -> None:
        self.conn = conn
        self.writable = trio.Event()
        self.writable.set()
        self._driver = driver
        self._stream = stream
        self._scope = trio.CancelScope()
        self._failure: Failure | None = None
        self._unsent: deque[bytes] = deque()
        self._unsent_size = 0  # what is being sent included
        self._sending = False
        self._broken = False  # for writing
        self._max_unsent = driver.config.limits.max_write_size
        self._more_to_send = trio.Event()
        self._reading = trio.Event()
        self._reading.set()

    async def run(self) -> None:
        """Returns when the connection is over and its socket closed."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_all)
                    await self._read_all()
                    nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await self._say_farewell()
                await trio.aclose_forcefully(self._stream)
            self.writable.set()
        # If the machine closed this connection itself, it has forgotten the number, and the report is inert.
        with self._driver.watched():
            self._driver.fleet.disconnected(self.conn, self._failure, self._driver.now())
            self._driver.settle()

    async def _read_all(self) -> None:
        """Until the end of the stream, or its failure."""
        driver, conn = self._driver, self.conn
        receive = self._stream.receive_some
        try:
            while data := await receive(READ_SIZE):
                try:
                    driver.received(conn, bytes(data), driver.now())
                except Exception as error:  # as in `watched`, without what that costs
                    driver.broke(error)
                if not self._reading.is_set():
                    await self._reading.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._failure = failure_of_stream(error)

    async def _write_all(self) -> None:
        while True:
            while self._unsent:
                data = self._take_unsent()
                try:
                    await self._stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    # The reader says why; a paused one says it later, and meanwhile nobody may wait for us.
                    self._broken = True
                    self._unsent.clear()
                    self.writable.set()
                    return
                self._sending = False
                self._unsent_size -= len(data)
                if self._unsent_size <= _LOW_WATER:
                    self.writable.set()
            self._more_to_send = trio.Event()
            await self._more_to_send.wait()

    def _take_unsent(self) -> bytes:
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._sending = True
        return data

    async def _say_farewell(self) -> None:
        """What was written last is most likely a close frame."""
        if self._unsent and not self._sending:
            with trio.move_on_after(_FAREWELL), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._stream.send_all(self._take_unsent())

    def write(self, data: bytes) -> None:
        if self._broken:
            return
        self._unsent.append(data)
        self._unsent_size += len(data)
        self._more_to_send.set()
        if self._unsent_size > _HIGH_WATER and self.writable.is_set():
            self.writable = trio.Event()
        if self._unsent_size > self._max_unsent:
            detail = f"{self._unsent_size} bytes unsent; Limits.max_write_size is {self._max_unsent}"
            self._failure = Failure(Cause.WRITE_STUCK, detail)
            self.abort()

    def pause(self) -> None:
        self._reading = trio.Event()

    def resume(self) -> None:
        self._reading.set()

    def abort(self) -> None:
        self._scope.cancel()
