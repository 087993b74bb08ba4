"""`serve_status` for trio: feeds as others see them, on a port of this machine."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from holdfast.observe import Observed, Site, StatusServer
from holdfast.observe.http import MAX_CLIENTS, READ_SIZE, TIMEOUT, Conversation, check_status, not_served

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
    clients = 0

    async def serve(stream: trio.SocketStream) -> None:
        nonlocal clients
        clients += 1
        try:
            if clients <= MAX_CLIENTS:
                with trio.move_on_after(TIMEOUT):
                    await _converse(Conversation(site), stream)
        except trio.BrokenResourceError:
            pass  # it went away
        except Exception:  # in a nursery with whoever is looked at
            _LOG.exception("the status page failed")
        finally:
            clients -= 1  # `serve_listeners` closes the stream

    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except (OSError, ValueError) as refused:
        raise not_served(host, port, refused) from refused
    error: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        try:
            yield StatusServer(host, listeners[0].socket.getsockname()[1])
        except trio.Cancelled:
            raise
        except BaseException as raised:  # taken round the nursery, which would wrap it in a group
            error = raised
        finally:
            nursery.cancel_scope.cancel()
    if error is not None:
        try:
            raise error
        finally:
            del error  # no cycle through the traceback


async def _converse(conversation: Conversation, stream: trio.SocketStream) -> None:
    answer = None
    while answer is None:
        answer = conversation.received(await stream.receive_some(READ_SIZE))
    await stream.send_all(answer)
