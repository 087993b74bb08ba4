"""A connection through a proxy. Cancelling it, or its failure, leaves nothing behind."""

from __future__ import annotations

import trio

from holdfast.driver import BEYOND_ALL_TIMEOUTS, READ_SIZE
from holdfast.endpoint import Endpoint
from holdfast.proxy import Proxy
from holdfast.tunnel import Tunnel, blaming
from holdfast_trio.dial import connect_tcp


async def connect_through(proxy: Proxy, endpoint: Endpoint, max_answer: int) -> trio.SocketStream:
    """A connected stream. Raises DialFailed, or gaierror or UnicodeError for the name of the service."""
    if proxy.is_socks:
        with blaming(proxy, but=(trio.socket.gaierror, UnicodeError)):
            return await _through_socks(proxy, endpoint)
    with blaming(proxy):
        return await _through_http(proxy, endpoint, max_answer)


async def _through_http(proxy: Proxy, endpoint: Endpoint, max_answer: int) -> trio.SocketStream:
    stream = await connect_tcp(proxy.host, proxy.port)
    try:
        tunnel = Tunnel(proxy, endpoint, max_answer)
        await stream.send_all(tunnel.request)
        while not tunnel.receive(await stream.receive_some(READ_SIZE)):
            pass
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def _through_socks(proxy: Proxy, endpoint: Endpoint) -> trio.SocketStream:
    from python_socks import ProxyType
    from python_socks.async_.trio import Proxy as Socks

    by_proxy = proxy.scheme == "socks5h"
    socks = Socks(ProxyType.SOCKS5, proxy.host, proxy.port, proxy.username, proxy.password, rdns=by_proxy)
    return trio.SocketStream(await socks.connect(endpoint.host, endpoint.port, timeout=BEYOND_ALL_TIMEOUTS))
