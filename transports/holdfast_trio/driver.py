"""The trio driver: sockets and one timer for a fleet. All decisions are the machine's."""

from __future__ import annotations

import logging
import os
import random
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

import trio

from holdfast.config import FeedConfig
from holdfast.driver import HAPPY_EYEBALLS_DELAY, Driver
from holdfast.endpoint import Endpoint
from holdfast.failures import failure_of_dial
from holdfast.jobs import Job
from holdfast_trio.socket import Socket

_LOG = logging.getLogger("holdfast")
_LOG.addHandler(logging.NullHandler())  # an application decides what it wants to see


class TrioDriver(Driver[Socket]):
    """One for each `open_feed`. Its tasks live in the nursery; after `stop` and a cancelled nursery nothing is left."""

    def __init__(self, config: FeedConfig, nursery: trio.Nursery) -> None:
        super().__init__(config, random=random.Random(), entropy=os.urandom, log=_LOG)
        self._nursery = nursery
        self._timer = trio.CancelScope()
        self._dials: dict[int, trio.CancelScope] = {}
        self._tls: ssl.SSLContext | None = None

    def start(self) -> None:
        self._nursery.start_soon(self._run_timer, name="holdfast timer")
        now = self.now()
        self.fleet.start(now, wall_offset=time.time() - now)
        self.settle()

    def stop(self) -> None:
        """Abandon whatever is still there."""
        self.fleet.close(self.now())
        self.settle()
        for conn in [*self._dials, *self.sockets]:
            self.disconnect(conn)

    # What the machine asks for

    def now(self) -> float:
        return trio.current_time()

    def arm(self, deadline: float) -> None:
        self._timer.deadline = deadline

    async def _run_timer(self) -> None:
        while True:
            with trio.CancelScope(deadline=self._timer.deadline) as self._timer:
                await trio.sleep_forever()
            # Readers woken in this same turn of the loop may come after us: let them hand in what is readable
            # before anybody is judged.
            await trio.lowlevel.checkpoint()
            self.deadline_came()

    def dial(self, conn: int, endpoint: Endpoint) -> None:
        scope = self._dials[conn] = trio.CancelScope()
        self._nursery.start_soon(self._run, conn, endpoint, scope, name=f"holdfast connection {conn}")

    async def _run(self, conn: int, endpoint: Endpoint, scope: trio.CancelScope) -> None:
        """One connection, from the dial until its socket is closed."""
        with scope:
            try:
                stream = await self._open_stream(endpoint)
            except Exception as error:  # whatever a resolver or a TLS context of the user's comes up with
                self._dials.pop(conn, None)
                self.fleet.connect_failed(conn, failure_of_dial(error), self.now())
                self.settle()
                return
            if conn not in self._dials:  # abandoned a moment ago
                await trio.aclose_forcefully(stream)
                return
            del self._dials[conn]
            socket = self.sockets[conn] = Socket(self, conn, stream)
            self.fleet.connected(conn, self.now())
            self.settle()
            try:
                await socket.run()
            finally:
                self.sockets.pop(conn, None)

    async def _open_stream(self, endpoint: Endpoint) -> trio.abc.Stream:
        tcp = await trio.open_tcp_stream(endpoint.host, endpoint.port, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY)
        if not endpoint.secure:
            return tcp
        name = endpoint.server_name or endpoint.host
        try:
            tls = trio.SSLStream(tcp, self._tls_context(endpoint), server_hostname=name, https_compatible=True)
            await tls.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(tcp)
            raise
        return tls

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

    def _tls_context(self, endpoint: Endpoint) -> ssl.SSLContext:
        if endpoint.tls is not None:
            context: ssl.SSLContext = endpoint.tls
            return context
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
