"""`serve_status` for asyncio: feeds as others see them, on a port of this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from holdfast.observe import Observed, Site, StatusServer
from holdfast.observe.http import MAX_CLIENTS, READ_SIZE, TIMEOUT, Conversation, not_served

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
    site = Site(feeds, host, collectors)
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        task.add_done_callback(clients.discard)
        try:
            if len(clients) <= MAX_CLIENTS:
                with suppress(TimeoutError, OSError):
                    async with asyncio.timeout(TIMEOUT):
                        await _converse(Conversation(site), reader, writer)
        except Exception:
            _LOG.exception("the status page failed")
        finally:
            writer.transport.abort()

    try:
        server = await asyncio.start_server(serve, host, port)
    except OSError as error:
        raise not_served(host, port, error) from error
    try:
        yield StatusServer(host, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in clients:
            task.cancel()
        if clients:
            await asyncio.wait(clients)


async def _converse(conversation: Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    answer = None
    while answer is None:
        answer = conversation.received(await reader.read(READ_SIZE))
    writer.write(answer)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
