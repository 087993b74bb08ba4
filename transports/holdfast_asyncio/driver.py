"""The asyncio driver: sockets and one timer for a fleet. All decisions are the machine's."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

from holdfast.config import FeedConfig
from holdfast.driver import BEYOND_ALL_TIMEOUTS, Cancellable, Driver
from holdfast.endpoint import Endpoint
from holdfast.failures import failure_of_dial
from holdfast.jobs import Job
from holdfast.preflight import usable_proxy
from holdfast_asyncio.dial import connect_tcp
from holdfast_asyncio.protocol import SocketProtocol
from holdfast_asyncio.signal import Signal
from holdfast_shared import window_of

_LOG = logging.getLogger("holdfast")
_LOG.addHandler(logging.NullHandler())  # an application decides what it wants to see


class AsyncioDriver(Driver[SocketProtocol]):
    """One for each `open_feed`. `start` needs a running loop; after `stop` nothing of it is left there."""

    __slots__ = (
        "_dials",
        "_due",
        "_leaving",
        "_loop",
        "_timer",
    )

    def __init__(self, config: FeedConfig) -> None:
        super().__init__(config, entropy=os.urandom, log=_LOG)
        self.outer_window = window_of(config, self.tell)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._due = math.inf  # what the timer is armed for
        self._dials: dict[int, asyncio.Task[None]] = {}
        # Dials and sockets that were told to end, and jobs. No set: an empty one is three times as large.
        self._leaving: dict[asyncio.Future[None], None] = {}

    def start(self) -> None:
        now = self.now()
        self.fleet.start(now, wall_offset=self.wall_time() - now)
        self.settle()

    async def stop(self) -> None:
        """Leave nothing behind, whatever state the machine is in."""
        self.end()
        for conn in [*self._dials, *self.sockets]:
            self.disconnect(conn)
        self.arm(math.inf)
        if self._leaving:
            await asyncio.wait(self._leaving)

    # What the machine asks for

    def now(self) -> float:
        return self._loop.time()

    def wall_time(self) -> float:
        return time.time()

    def arm(self, deadline: float) -> None:
        if self._timer is not None:
            if max(deadline, self._due) <= self.now():
                return  # it is about to fire: inputs that come every turn must not put it off for ever
            self._timer.cancel()
            self._timer = None
        if deadline < math.inf:
            self._due = deadline
            self._timer = self._loop.call_at(deadline, self._timer_fired)

    def _timer_fired(self) -> None:
        if not self.fleet.is_due(self.now()):
            self._tick()  # which judges nobody
            return
        # What is readable is read before anybody is judged. asyncio polls its sockets before it runs timers; a loop on
        # libuv does not, and runs what is called soon before it polls: so it takes two turns for a poll to lie between.
        self._timer = self._loop.call_soon(self._one_more_turn)

    def _one_more_turn(self) -> None:
        self._timer = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._timer = None
        with self.watched():
            self.deadline_came()

    def dial(self, conn: int, endpoint: Endpoint) -> None:
        self._dials[conn] = self._loop.create_task(self._dial(conn, endpoint), name=f"holdfast dial {conn}")

    async def _dial(self, conn: int, endpoint: Endpoint) -> None:
        try:
            if await self.may_dial(conn, endpoint):
                await self._open(conn, endpoint)
        except Exception as error:  # whatever a resolver or a TLS context of the user's comes up with
            self._dials.pop(conn, None)
            with self.watched():
                self.fleet.connect_failed(conn, failure_of_dial(error), self.now())
                self.settle()
        self._dials.pop(conn, None)
        if not self._dials:
            self._dials.clear()  # gives back what it has grown by

    async def _open(self, conn: int, endpoint: Endpoint) -> None:
        await asyncio.sleep(0)  # where tasks are eager, `dial` has not returned yet
        proxy = usable_proxy(endpoint, os.environ)
        if proxy is None:
            sock = await connect_tcp(endpoint.host, endpoint.port)
        else:
            from holdfast_asyncio.proxy import connect_through

            self.awaiting_proxy(conn, proxy)
            sock = await connect_through(proxy, endpoint, self.config.limits.max_handshake_size)
            self.awaiting_proxy(conn, None)
        try:
            tls = self.tls_of(endpoint)
            await self._loop.create_connection(
                lambda: SocketProtocol(self, conn),
                sock=sock,  # it belongs to asyncio from here on, which closes it when cancelled,
                ssl=tls[0] if tls else None,
                server_hostname=tls[1] if tls else None,
                ssl_handshake_timeout=BEYOND_ALL_TIMEOUTS if tls else None,
            )
        except Exception as error:
            sock.close()  # but not when TLS cannot even begin
            if isinstance(error, ConnectionResetError) and not error.args:
                raise ssl.SSLEOFError from error  # how asyncio says that the stream ended in the TLS handshake
            raise

    async def in_thread(self, function: Callable[[], float]) -> float:
        return await self._loop.run_in_executor(None, function)

    def make_tls_context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def disconnect(self, conn: int) -> None:
        if conn in self._dials:
            dial = self._dials.pop(conn)
            dial.cancel()
            self._leave(dial)
        if conn in self.sockets:
            self._leave(self.sockets.pop(conn).leave())

    def _leave(self, ending: asyncio.Future[None]) -> None:
        self._leaving[ending] = None
        ending.add_done_callback(self._left)

    def _left(self, ended: asyncio.Future[None]) -> None:
        self._leaving.pop(ended, None)

    def start_job(self, run: Callable[[Job], Coroutine[Any, Any, None]], job: Job) -> Cancellable:
        task = self._loop.create_task(run(job), name=f"holdfast job {job.conn}")
        self._leave(task)
        return task

    def make_event(self) -> Signal:
        return Signal(loop=self._loop)

    async def checkpoint(self) -> None:
        await asyncio.sleep(0)

    wake_at_once = staticmethod(Signal.set_at_once)  # type: ignore[assignment]  # all its events are of this kind

    # What sockets report

    def socket_opened(self, socket: SocketProtocol) -> None:
        self.sockets[socket.conn] = socket
        if socket.conn not in self._dials:  # abandoned a moment ago
            self.disconnect(socket.conn)
            return
        with self.watched():
            self.fleet.connected(socket.conn, self.now())
            self.settle()

    def socket_closed(self, socket: SocketProtocol) -> None:
        self.sockets.pop(socket.conn, None)
