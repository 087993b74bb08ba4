"""The trio driver: sockets and one timer for a fleet. All decisions are the machine's."""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

import trio

from holdfast.config import FeedConfig
from holdfast.driver import Driver
from holdfast.endpoint import Endpoint
from holdfast.failures import failure_of_dial
from holdfast.jobs import Job
from holdfast.preflight import usable_proxy
from holdfast_shared import window_of
from holdfast_trio.dial import connect_tcp
from holdfast_trio.socket import Socket

_LOG = logging.getLogger("holdfast")
_LOG.addHandler(logging.NullHandler())  # an application decides what it wants to see


class TrioDriver(Driver[Socket]):
    """One for each `open_feed`. Its tasks live in the nursery; after `stop` and a cancelled nursery nothing is left."""

    __slots__ = (
        "_dials",
        "_nursery",
        "_timer",
    )

    def __init__(self, config: FeedConfig, nursery: trio.Nursery) -> None:
        super().__init__(config, entropy=os.urandom, log=_LOG)
        self.outer_window = window_of(config, self.tell)
        self._nursery = nursery
        self._timer = trio.CancelScope()
        self._dials: dict[int, trio.CancelScope] = {}

    def start(self) -> None:
        self._nursery.start_soon(self._run_timer, name="holdfast timer")
        now = self.now()
        self.fleet.start(now, wall_offset=self.wall_time() - now)
        self.settle()

    def stop(self) -> None:
        """Abandon whatever is still there."""
        self.end()
        for conn in [*self._dials, *self.sockets]:
            self.disconnect(conn)

    def broke(self, error: Exception) -> None:
        super().broke(error)
        self._nursery.cancel_scope.cancel()

    # What the machine asks for

    def now(self) -> float:
        return trio.current_time()

    def wall_time(self) -> float:
        return time.time()

    def arm(self, deadline: float) -> None:
        self._timer.deadline = deadline

    async def _run_timer(self) -> None:
        while True:
            with trio.CancelScope(deadline=self._timer.deadline) as self._timer:
                await trio.sleep_forever()
            # Readers woken in this same turn of the loop may come after us: let them hand in what is readable
            # before anybody is judged.
            if self.fleet.is_due(self.now()):
                await trio.lowlevel.checkpoint()
            with self.watched():
                self.deadline_came()

    def dial(self, conn: int, endpoint: Endpoint) -> None:
        scope = self._dials[conn] = trio.CancelScope()
        self._nursery.start_soon(self._run, conn, endpoint, scope, name=f"holdfast connection {conn}")

    async def _run(self, conn: int, endpoint: Endpoint, scope: trio.CancelScope) -> None:
        """One connection, from the dial until its socket is closed."""
        with scope:
            try:
                if not await self.may_dial(conn, endpoint):
                    self._dials.pop(conn, None)
                    return
                stream = await self._open_stream(conn, endpoint)
            except Exception as error:  # whatever a resolver or a TLS context of the user's comes up with
                self._dials.pop(conn, None)
                with self.watched():
                    self.fleet.connect_failed(conn, failure_of_dial(error), self.now())
                    self.settle()
                return
            if conn not in self._dials:  # abandoned a moment ago
                await trio.aclose_forcefully(stream)
                return
            del self._dials[conn]
            socket = self.sockets[conn] = Socket(self, conn, stream)
            with self.watched():
                self.fleet.connected(conn, self.now())
                self.settle()
            try:
                await socket.run()
            finally:
                self.sockets.pop(conn, None)

    async def _open_stream(self, conn: int, endpoint: Endpoint) -> trio.abc.Stream:
        proxy = usable_proxy(endpoint, os.environ)
        if proxy is None:
            tcp = await connect_tcp(endpoint.host, endpoint.port)
        else:
            from holdfast_trio.proxy import connect_through

            self.awaiting_proxy(conn, proxy)
            tcp = await connect_through(proxy, endpoint, self.config.limits.max_handshake_size)
            self.awaiting_proxy(conn, None)
        try:
            if (tls := self.tls_of(endpoint)) is None:
                return tcp
            context, name = tls
            stream = trio.SSLStream(tcp, context, server_hostname=name, https_compatible=True)
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(tcp)
            raise
        return stream

    async def in_thread(self, function: Callable[[], float]) -> float:
        return await trio.to_thread.run_sync(function, abandon_on_cancel=True)

    def make_tls_context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def disconnect(self, conn: int) -> None:
        if conn in self._dials:
            self._dials.pop(conn).cancel()
        if conn in self.sockets:
            self.sockets.pop(conn).abort()

    def start_job(self, run: Callable[[Job], Coroutine[Any, Any, None]], job: Job) -> trio.CancelScope:
        scope = trio.CancelScope()

        async def run_in_scope() -> None:
            with scope:
                await run(job)

        self._nursery.start_soon(run_in_scope, name=f"holdfast job {job.conn}")
        return scope

    def make_event(self) -> trio.Event:
        return trio.Event()

    async def checkpoint(self) -> None:
        await trio.lowlevel.checkpoint()
