"""TCP to the first of a host's addresses that answers (happy eyeballs, RFC 8305).

asyncio's own leaves the tasks of its race behind when it is cancelled, and with bad luck a socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

from holdfast.driver import HAPPY_EYEBALLS_DELAY

_Address = tuple[int, int, int, str, Any]


async def connect_tcp(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. Raises OSError when no address answers. Cancelling leaves nothing behind."""
    loop = asyncio.get_running_loop()
    addresses = deque(_interleave(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    pending: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    try:
        while addresses or pending:
            if addresses:
                pending.add(loop.create_task(_connect(addresses.popleft())))
            patience = HAPPY_EYEBALLS_DELAY if addresses else None
            done, _ = await asyncio.wait(pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                error = attempt.exception()
                if error is None:
                    await _abandon(pending - {attempt})
                    pending.clear()  # cancelled until here, the one that came first is abandoned too
                    return attempt.result()
                if not isinstance(error, OSError):
                    raise error
                pending.discard(attempt)
                errors.append(error)
    finally:
        await _abandon(pending)
    if len(errors) == 1:
        raise errors[0]
    raise OSError(f"none of {len(errors)} addresses answers") from ExceptionGroup("attempts", errors)


async def _connect(address: _Address) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _abandon(attempts: set[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        attempt.cancel()
        attempt.add_done_callback(_close)
    if attempts:
        await asyncio.wait(attempts)


def _close(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()  # it came second, or too late


def _interleave(addresses: Iterable[_Address]) -> list[_Address]:
    """Families in turn, beginning with the one that the resolver prefers."""
    families: dict[int, list[_Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [address for address in chain(*zip_longest(*families.values())) if address is not None]
