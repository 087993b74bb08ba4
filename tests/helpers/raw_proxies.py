"""Proxies in simulated time. They call nobody: behind the proxy's answer the handler itself is the service."""

from __future__ import annotations

from helpers.raw_server import End, Handler

GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


async def receive_connect(end: End) -> None:
    """Read a whole CONNECT; answer nothing."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await _receive(end)


async def receive_socks(end: End) -> None:
    """Let anybody in, and read whom to call; answer nothing to that."""
    await _receive(end)
    end.send_now(b"\x05\x00")
    await _receive(end)


async def _receive(end: End) -> bytes:
    data = await end.wire.receive()
    if not data:
        raise ConnectionAbortedError
    return data


def http_proxy(service: Handler) -> Handler:
    async def handler(end: End) -> None:
        await receive_connect(end)
        end.send_now(b"HTTP/1.1 200 OK\r\n\r\n")
        await service(end)

    return handler


def socks_proxy(service: Handler) -> Handler:
    async def handler(end: End) -> None:
        await receive_socks(end)
        end.send_now(GRANTED)
        await service(end)

    return handler
