"""TCP to the first of a host's addresses that answers (happy eyeballs, RFC 8305)."""

from __future__ import annotations

import trio

from holdfast.driver import HAPPY_EYEBALLS_DELAY


async def connect_tcp(host: str, port: int) -> trio.SocketStream:
    """Raises OSError when no address answers. Cancelling leaves nothing behind."""
    return await trio.open_tcp_stream(host, port, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY)
