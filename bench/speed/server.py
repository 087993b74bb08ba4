"""The server: it floods, ticks, trickles or swallows, and spends as little as it can on it.

    python -m bench.speed.server

prints its port, and ends when its standard input does. The path of the URL says what a connection is for:
`/flood/plain` and `/flood/trades/stream` as fast as they are read; `/tick?count=N` stamped messages, one every
INTERVAL; `/trickle` PER_SECOND messages a second, and pings are answered; `/swallow` reads, and answers nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import random
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from bench.speed.messages import blob, frame, plain, stamped

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
INTERVAL = 0.002  # seconds between stamped messages
PER_SECOND = 2.0  # messages on each of many connections
REQUEST_TIME = 0.05  # seconds for a subscription to arrive, before it is acknowledged


def answer(request: bytes) -> bytes:
    key = re.search(rb"(?i)sec-websocket-key:\s*(\S+)", request)
    assert key is not None, request
    accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


class Server:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._blobs = {kind: blob(kind) for kind in ("plain", "trades")}
        self._message = frame(plain(1).encode())

    async def serve(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request = b""
            while b"\r\n\r\n" not in request:
                data = await self._loop.sock_recv(sock, 65536)
                if not data:
                    return
                request += data
            await self._loop.sock_sendall(sock, answer(request))
            await self._work(sock, request.split(b" ", 2)[1].decode())
        except OSError:
            pass
        finally:
            sock.close()

    async def _work(self, sock: socket.socket, path: str) -> None:
        if path.startswith("/flood/plain"):
            await self._in_thread(flood, sock, self._blobs["plain"])
        elif path.startswith("/flood/trades"):
            await asyncio.sleep(REQUEST_TIME)
            await self._loop.sock_sendall(sock, frame(b'{"result":null,"id":1}'))
            await self._in_thread(flood, sock, self._blobs["trades"])
        elif path.startswith("/tick"):
            await self._tick(sock, int(path.partition("count=")[2]))
        elif path.startswith("/trickle"):
            await self._trickle(sock)
        else:
            await self._in_thread(swallow, sock)

    async def _in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        done = asyncio.Event()

        def run() -> None:
            with suppress(OSError):
                work(*arguments)
            self._loop.call_soon_threadsafe(done.set)

        threading.Thread(target=run, daemon=True).start()
        await done.wait()

    async def _tick(self, sock: socket.socket, count: int) -> None:
        await asyncio.sleep(REQUEST_TIME)
        due = time.perf_counter()
        for _ in range(count):
            due += INTERVAL
            if (rest := due - time.perf_counter()) > 0:
                await asyncio.sleep(rest)
            await self._loop.sock_sendall(sock, stamped(time.perf_counter_ns()))
        await self._loop.sock_recv(sock, 65536)

    async def _trickle(self, sock: socket.socket) -> None:
        period = 1 / PER_SECOND

        timer: asyncio.TimerHandle

        def send() -> None:
            nonlocal timer
            try:
                sock.send(self._message)
            except OSError:
                return
            timer = self._loop.call_at(timer.when() + period, send)

        timer = self._loop.call_later(random.random() * period, send)
        try:
            while data := await self._loop.sock_recv(sock, 65536):
                pong = self._pong(data)
                if pong:
                    sock.send(pong)
        finally:
            timer.cancel()

    def _pong(self, data: bytes) -> bytes:
        """To the one ping that there is at a time; they come whole."""
        if data[0] != 0x89:
            return b""
        size, mask = data[1] & 0x7F, data[2:6]
        return frame(bytes(byte ^ mask[index % 4] for index, byte in enumerate(data[6 : 6 + size])), 0x8A)


def flood(sock: socket.socket, data: bytes) -> None:
    sock.setblocking(True)
    while True:
        sock.sendall(data)


def swallow(sock: socket.socket) -> None:
    sock.setblocking(True)
    into = bytearray(1 << 18)
    while sock.recv_into(into):
        pass


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = Server()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setblocking(False)
        print(listener.getsockname()[1], flush=True)
        connections: set[asyncio.Task[None]] = set()
        while True:
            sock, _ = await loop.sock_accept(listener)
            sock.setblocking(False)
            connection = loop.create_task(server.serve(sock))
            connections.add(connection)
            connection.add_done_callback(connections.discard)


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    asyncio.run(main())
