"""A connection through a proxy. Cancelling it, or its failure, leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket

from holdfast.driver import BEYOND_ALL_TIMEOUTS, READ_SIZE
from holdfast.endpoint import Endpoint
from holdfast.proxy import Proxy
from holdfast.tunnel import Tunnel, blaming
from holdfast_asyncio.dial import connect_tcp


async def connect_through(proxy: Proxy, endpoint: Endpoint, max_answer: int) -> socket.socket:
    """A connected, non-blocking socket. Raises DialFailed, or gaierror or UnicodeError for the name of the service."""
    if proxy.is_socks:
        with blaming(proxy, but=(socket.gaierror, UnicodeError)):
            return await _through_socks(proxy, endpoint)
    with blaming(proxy):
        return await _through_http(proxy, endpoint, max_answer)


async def _through_http(proxy: Proxy, endpoint: Endpoint, max_answer: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock = await connect_tcp(proxy.host, proxy.port)
    try:
        tunnel = Tunnel(proxy, endpoint, max_answer)
        await loop.sock_sendall(sock, tunnel.request)
        while not tunnel.receive(await loop.sock_recv(sock, READ_SIZE)):
            pass
    except BaseException:
        sock.close()
        raise
    return sock


async def _through_socks(proxy: Proxy, endpoint: Endpoint) -> socket.socket:
    from python_socks import ProxyType
    from python_socks.async_.asyncio import Proxy as Socks

    by_proxy = proxy.scheme == "socks5h"
    socks = Socks(ProxyType.SOCKS5, proxy.host, proxy.port, proxy.username, proxy.password, rdns=by_proxy)
    return await socks.connect(endpoint.host, endpoint.port, timeout=BEYOND_ALL_TIMEOUTS)
