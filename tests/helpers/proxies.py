"""Small proxies on loopback, in a thread of their own: HTTP CONNECT, and SOCKS5 (RFC 1928 and 1929)."""

from __future__ import annotations

import asyncio
import ipaddress
from abc import abstractmethod
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from base64 import b64decode
from contextlib import suppress

from helpers.servers import ThreadedServer
from holdfast_asyncio.listening import close_server

Place = tuple[str, int]
SOCKS_SUCCEEDED = 0
SOCKS_NOT_ALLOWED = 2
SOCKS_REFUSED = 5


class Proxy(ThreadedServer):
    """Connects whoever asks as it should, and notes it: `asked` are the places as they were named.

    `names` are those that this proxy can resolve, and nobody else. With `credentials` it lets nobody else pass.
    `relays`: how many bytes of the service's it passes on before it dies; None: all. `cuts` sends each answer byte by
    byte.
    """

    scheme: str

    def __init__(
        self,
        *,
        names: dict[str, Place] | None = None,
        credentials: tuple[str, str] | None = None,
        relays: int | None = None,
        cuts: bool = False,
    ) -> None:
        super().__init__()
        self.asked: list[Place] = []
        self.offered: list[tuple[str, str] | None] = []
        self._names = names or {}
        self._credentials = credentials
        self._relays = relays
        self._cuts = cuts
        self._writers: set[StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def url_for(self, user: str, password: str) -> str:
        return f"{self.scheme}://{user}:{password}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        await close_server(self._server)
        await self.die()

    async def die(self) -> None:
        """Cut whoever is connected, with no farewell."""
        for writer in self._writers:
            writer.transport.abort()

    @abstractmethod
    async def receive_request(self, reader: StreamReader, writer: StreamWriter) -> Place | None:
        """Who is to be called; None if that was refused, or never will be answered."""

    @abstractmethod
    async def confirm(self, writer: StreamWriter) -> None: ...

    async def send(self, writer: StreamWriter, data: bytes) -> None:
        for piece in [data[i : i + 1] for i in range(len(data))] if self._cuts else [data]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001 if self._cuts else 0)  # else the kernel puts them together again

    def allows(self, offered: tuple[str, str] | None) -> bool:
        self.offered.append(offered)
        return self._credentials in (None, offered)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError, IncompleteReadError):
                place = await self.receive_request(reader, writer)
                if place is not None:
                    self.asked.append(place)
                    await self._relay(self._names.get(place[0], place), reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _relay(self, place: Place, reader: StreamReader, writer: StreamWriter) -> None:
        from_service, to_service = await asyncio.open_connection(*place)
        self._writers.add(to_service)
        try:
            await self.confirm(writer)
            pumps = [
                asyncio.ensure_future(_pump(reader, to_service, None)),
                asyncio.ensure_future(_pump(from_service, writer, self._relays)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
        finally:
            to_service.close()
            with suppress(OSError):
                await to_service.wait_closed()
            self._writers.discard(to_service)


async def _pump(source: StreamReader, sink: StreamWriter, limit: int | None) -> None:
    with suppress(OSError):
        while data := await source.read(65536 if limit is None else min(limit, 65536)):
            sink.write(data)
            await sink.drain()
            if limit is not None:
                limit -= len(data)


class HttpProxy(Proxy):
    """`answer` is sent instead of connecting."""

    scheme = "http"

    def __init__(self, answer: bytes | None = None, **options) -> None:
        super().__init__(**options)
        self.requests: list[bytes] = []
        self._answer = answer

    async def receive_request(self, reader: StreamReader, writer: StreamWriter) -> Place | None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        assert method == "CONNECT"
        if self._answer is not None:
            await self.send(writer, self._answer)
            return None
        if not self.allows(_basic(head)):
            await self.send(
                writer,
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            )
            return None
        host, _, port = target.rpartition(":")
        return host.strip("[]"), int(port)

    async def confirm(self, writer: StreamWriter) -> None:
        await self.send(writer, b"HTTP/1.1 200 Connection established\r\nVia: 1.1 loopback\r\n\r\n")


def _basic(head: bytes) -> tuple[str, str] | None:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        if name.lower() == b"proxy-authorization":
            user, _, password = b64decode(value.removeprefix(b"Basic ")).decode().partition(":")
            return user, password
    return None


class SocksProxy(Proxy):
    """`reply` other than SOCKS_SUCCEEDED refuses; `methods=False` accepts no way of authentication."""

    scheme = "socks5h"

    def __init__(self, reply: int = SOCKS_SUCCEEDED, *, methods: bool = True, **options) -> None:
        super().__init__(**options)
        self._reply = reply
        self._methods = methods

    async def receive_request(self, reader: StreamReader, writer: StreamWriter) -> Place | None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        method = 2 if self._credentials is not None else 0
        if method not in offered or not self._methods:
            await self.send(writer, b"\x05\xff")
            return None
        await self.send(writer, bytes([5, method]))
        if method and not await self._authenticate(reader, writer):
            return None
        _, command, _, kind = await reader.readexactly(4)
        assert command == 1
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        if self._reply != SOCKS_SUCCEEDED:
            await self.send(writer, bytes([5, self._reply, 0, 1, 0, 0, 0, 0, 0, 0]))
            return None
        return host, port

    async def _authenticate(self, reader: StreamReader, writer: StreamWriter) -> bool:
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        allowed = self.allows((user.decode(), password.decode()))
        await self.send(writer, bytes([1, not allowed]))
        return allowed

    async def confirm(self, writer: StreamWriter) -> None:
        await self.send(writer, bytes([5, SOCKS_SUCCEEDED, 0, 1, 127, 0, 0, 1, 0, 80]))
