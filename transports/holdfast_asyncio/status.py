"""`serve_status` for asyncio: feeds as others see them, on a port of this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from holdfast.observe import Observed, Site, StatusServer
from holdfast.observe.http import MAX_CLIENTS, READ_SIZE, TIMEOUT, Conversation, check_status, not_served
from holdfast_asyncio.listening import close_server

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

_LOG = logging.getLogger("holdfast")


@asynccontextmanager
async def serve_status(
    feeds: Mapping[str, Observed], *, host: str = "127.0.0.1", port: int = 9464, collectors: Sequence[Collector] = ()
) -> AsyncGenerator[StatusServer]:
    """A context manager that serves `/health`, `/ready`, `/metrics`, `/status` and the page `/` until it is left.

    `feeds`: by name; those that are in the mapping when somebody asks. `host`: other machines can look only if it is
    not of loopback, as by default; there are no passwords. `port`: 0 for any that is free. It gives the address that it
    listens on. `collectors`: those of prometheus-client whose metrics stand beside the feeds'. Raises ConfigError where
    it cannot listen.
    """
    check_status(feeds, port)
    site = Site(feeds, host, collectors)
    desk = _Desk(site)
    try:
        server = await asyncio.start_server(desk.welcome, host, port)
    except (OSError, ValueError) as error:
        raise not_served(host, port, error) from error
    try:
        yield StatusServer(host, server.sockets[0].getsockname()[1])
    finally:
        await desk.close(server)


class _Desk:
    """Where clients are served, each in a task of its own."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._clients: set[asyncio.Task[None]] = set()
        self._closing = False

    # No coroutine: the task that asyncio makes of one logs an error when it is cancelled, in Python 3.11.
    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing or len(self._clients) >= MAX_CLIENTS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="holdfast status")
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def close(self, server: asyncio.Server) -> None:
        """Leave nothing behind."""
        self._closing = True
        try:
            await close_server(server)
        finally:
            for task in self._clients:
                task.cancel()
        if self._clients:
            await asyncio.wait(self._clients)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, OSError):  # it went away, or is too slow
                async with asyncio.timeout(TIMEOUT):
                    await _converse(Conversation(self._site), reader, writer)
        except Exception:
            _LOG.exception("the status page failed")
        finally:
            writer.transport.abort()


async def _converse(conversation: Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    answer = None
    while answer is None:
        answer = conversation.received(await reader.read(READ_SIZE))
    writer.write(answer)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
