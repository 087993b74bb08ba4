"""Servers of asyncio, closed so that nothing stays open."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_TURNS = 4  # of the loop, from a connection that comes to its arrival at the protocol


async def close_server(server: asyncio.Server) -> None:
    """Listen no more. Connections that were accepted have arrived at their protocols, and are the caller's to close.

    A server that is closed while it accepts a connection leaves that open, in Python 3.11. So first no more are
    accepted, then those that are on their way arrive, and then it is closed.
    """
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError):  # by loops that have no readers
        for sock in server.sockets:
            loop.remove_reader(sock)
    try:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
    finally:
        server.close()
