"""One socket under asyncio: bytes both ways, nothing decided."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from holdfast.driver import READ_SIZE
from holdfast.failures import Cause, Failure, failure_of_stream

if TYPE_CHECKING:
    from holdfast_asyncio.driver import AsyncioDriver

_WRITABLE = asyncio.Event()  # that of all sockets with nothing to wait for; it stays set, and so belongs to no loop
_WRITABLE.set()
_of_thread = threading.local()


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """`loop.time`; of asyncio's own loops without the call in Python that this is."""
    own = getattr(type(loop), "time", None) is asyncio.BaseEventLoop.time
    return time.monotonic if own else loop.time


def read_buffer() -> memoryview:
    """Data is copied out of it before the next read of anybody, so one serves all connections of a thread."""
    if not hasattr(_of_thread, "buffer"):
        _of_thread.buffer = memoryview(bytearray(READ_SIZE))
    buffer: memoryview = _of_thread.buffer
    return buffer


class SocketProtocol(asyncio.BufferedProtocol):
    """Reads into the one buffer. The transport below is the connection's own writer."""

    __slots__ = (
        "_buffer",
        "_closed",
        "_driver",
        "_loop",
        "_max_unsent",
        "_now",
        "_transport",
        "conn",
        "writable",
    )

    def __init__(self, driver: AsyncioDriver, conn: int) -> None:
        self.conn = conn
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] | None = None  # what waits for that
        self.writable = _WRITABLE
        self._driver = driver
        self._now = clock_of(self._loop)
        self._buffer = read_buffer()
        self._max_unsent = driver.config.limits.max_write_size
        self._transport: asyncio.Transport | None = None

    # Called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._driver.socket_opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio gives a hint
        # Not the bytearray itself: asyncio's TLS writes into slices of this, and those of a bytearray are copies.
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        try:
            self._driver.received(self.conn, bytes(self._buffer[:nbytes]), self._now())
        except Exception as error:  # as in `watched`, without what that costs
            self._driver.broke(error)

    def eof_received(self) -> None:
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.socket_closed(self)
        self._ended(failure_of_stream(exc) if exc is not None else None)
        self.writable.set()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self.writable = asyncio.Event()

    def resume_writing(self) -> None:
        self.writable.set()

    # Called by the driver

    def write(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        transport.write(data)
        if transport.get_write_buffer_size() > self._max_unsent:
            unsent = transport.get_write_buffer_size()
            failure = Failure(Cause.WRITE_STUCK, f"{unsent} bytes unsent; Limits.max_write_size is {self._max_unsent}")
            self._loop.call_soon(self._stuck, failure)

    def pause(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()

    def resume(self) -> None:
        assert self._transport is not None
        self._transport.resume_reading()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def leave(self) -> asyncio.Future[None]:
        """Close the socket now; the future is done when that is. Once, and not behind `connection_lost`."""
        self.abort()
        self._closed = self._loop.create_future()
        return self._closed

    def _stuck(self, failure: Failure) -> None:
        self._ended(failure)
        self.abort()

    def _ended(self, failure: Failure | None) -> None:
        """A second report of the same connection is inert: the machine has forgotten the number."""
        with self._driver.watched():
            self._driver.fleet.disconnected(self.conn, failure, self._driver.now())
            self._driver.settle()
