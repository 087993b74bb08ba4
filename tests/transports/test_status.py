"""Feeds looked at over HTTP, on real sockets; every test runs under asyncio and under trio."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

import holdfast_asyncio
import holdfast_trio
from helpers.backends import Backend
from helpers.servers import WebSocketServer, send_and_stay
from holdfast import ConfigError
from holdfast.observe.http import MAX_CLIENTS

SERVE = {"asyncio": holdfast_asyncio.serve_status, "trio": holdfast_trio.serve_status}


class Asker(threading.Thread):
    """A browser, in a thread of its own."""

    def __init__(self, port: int, path: str, *, halfway: bool = False) -> None:
        super().__init__(daemon=True)
        self._port, self._path, self._halfway = port, path, halfway
        self.code = 0
        self.body = b""
        self.start()

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        with suppress(OSError, HTTPException):  # it is turned away
            if self._halfway:
                connection.connect()
                connection.sock.sendall(b"GET ")
                connection.sock.recv(1)
            else:
                connection.request("GET", self._path)
            answer = connection.getresponse()
            self.body, self.code = answer.read(), answer.status
        connection.close()


async def ask(backend: Backend, port: int, path: str) -> tuple[int, bytes]:
    asker = Asker(port, path)
    await backend.until(lambda: not asker.is_alive())
    return asker.code, asker.body


def test_a_feed_can_be_looked_at(backend: Backend) -> None:
    async def test() -> None:
        feeds: dict[str, Any] = {}
        async with SERVE[backend.name](feeds, port=0) as status:
            assert status.url == f"http://127.0.0.1:{status.port}/"
            assert await ask(backend, status.port, "/health") == (200, b"alive\n")
            async with backend.open_feed(f"ws://127.0.0.1:{server.port}/") as feed:
                feeds["echo"] = feed
                await anext(feed)
                assert await ask(backend, status.port, "/ready") == (200, b"ready\n")
                code, body = await ask(backend, status.port, "/status")
                assert (code, json.loads(body)["feeds"]["echo"]["messages"]) == (200, 1)
            code, body = await ask(backend, status.port, "/ready")
            assert (code, body) == (503, b"echo: closed\n")

    with WebSocketServer(send_and_stay("a")) as server:
        backend.run(test)


def test_only_this_machine_is_listened_to(backend: Backend) -> None:
    async def test() -> None:
        async with SERVE[backend.name]({}, port=0) as status:
            with socket.socket() as other, pytest.raises(OSError):  # noqa: PT011  # whichever the system likes
                other.bind(("127.0.0.2", 0))
                other.settimeout(5)
                other.connect(("127.0.0.2", status.port))
        async with SERVE[backend.name]({}, host="0.0.0.0", port=0) as status:
            with socket.create_connection(("127.0.0.2", status.port), timeout=5):
                pass

    backend.run(test)


def test_leaving_ends_it_with_clients_that_stay(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"holdfast_{backend.name}.status.TIMEOUT", 3600.0)

    async def test() -> None:
        async with SERVE[backend.name]({}, port=0) as status:
            idle = socket.create_connection(("127.0.0.1", status.port), timeout=5)
            halfway = socket.create_connection(("127.0.0.1", status.port), timeout=5)
            halfway.sendall(b"GET /status HTT")
            assert (await ask(backend, status.port, "/health"))[0] == 200
        for client in (idle, halfway):
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
            client.close()
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", status.port))  # the port is free

    backend.run(test)


def test_who_does_not_ask_in_time_is_left(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"holdfast_{backend.name}.status.TIMEOUT", 0.01)

    async def test() -> None:
        async with SERVE[backend.name]({}, port=0) as status:
            asker = Asker(status.port, "/health", halfway=True)
            await backend.until(lambda: not asker.is_alive())
            assert asker.code == 0

    backend.run(test)


def test_leaving_while_somebody_comes(backend: Backend) -> None:
    async def test() -> None:
        for turns in range(8):
            async with SERVE[backend.name]({}, port=0) as status:
                client = socket.create_connection(("127.0.0.1", status.port), timeout=5)
                for _ in range(turns):
                    await backend.sleep(0)
            client.close()

    backend.run(test)


def test_too_many_clients_are_turned_away_and_the_feed_is_not_harmed(backend: Backend) -> None:
    async def test() -> None:
        async with SERVE[backend.name]({}, port=0) as status:
            crowd = [socket.create_connection(("127.0.0.1", status.port), timeout=5) for _ in range(MAX_CLIENTS)]
            await backend.sleep(0.05)
            assert (await ask(backend, status.port, "/health"))[0] == 0
            for client in crowd:
                client.close()
            await backend.sleep(0.05)
            assert (await ask(backend, status.port, "/health"))[0] == 200

    backend.run(test)


def test_an_address_that_is_taken_is_told(backend: Backend) -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(ConfigError, match=f"127.0.0.1:{port}: .*in use.*; choose"):
                async with SERVE[backend.name]({}, port=port):
                    pass

    backend.run(test)


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "nowhere.invalid"])
def test_a_host_that_is_none_is_told(host: str, backend: Backend) -> None:
    async def test() -> None:
        with pytest.raises(ConfigError, match=r"cannot be served on .*; choose an address of this machine"):
            async with SERVE[backend.name]({}, host=host, port=0):
                pass

    backend.run(test)


def test_what_the_body_raises_comes_out_as_it_is(backend: Backend) -> None:
    async def test() -> None:
        with pytest.raises(ValueError, match="ours"):
            async with SERVE[backend.name]({}, port=0):
                raise ValueError("ours")
        async with backend.move_on_after(0.05):
            async with SERVE[backend.name]({}, port=0):
                await backend.sleep(60)
                raise AssertionError("was cancelled")

    backend.run(test)


def test_a_wall_clock_that_is_set_is_noticed(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with backend.open_feed(f"ws://127.0.0.1:{server.port}/", stall_after=0.05) as feed:
            await anext(feed)
            before = feed.stats().unix_time
            monkeypatch.setattr(time, "time", lambda: before + 3600.0)
            await backend.until(lambda: feed.stats().unix_time > before + 3500.0)

    with WebSocketServer(send_and_stay("a")) as server:
        backend.run(test)


def test_asyncio_has_no_server_left() -> None:
    async def main() -> None:
        async with holdfast_asyncio.serve_status({}, port=0) as status:
            reader, writer = await asyncio.open_connection("127.0.0.1", status.port)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.read()).endswith(b"alive\n")
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "telling"),
    [(({}, {"port": 70000}), "port = 70000: must be"), ((["feed"], {}), "feeds = .*: must be a mapping")],
)
def test_what_cannot_be_served_is_told(backend: Backend, arguments, telling):
    feeds, options = arguments

    async def test() -> None:
        with pytest.raises(ConfigError, match=telling):
            async with SERVE[backend.name](feeds, **options):
                pass

    backend.run(test)
