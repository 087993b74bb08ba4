"""The examples run."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
import trustme
from websockets.asyncio.server import ServerConnection

from helpers.servers import Handler, WebSocketServer, send_all, send_and_stay
from holdfast.testing import Exchange, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.exchange_host import ExchangeHost

EXAMPLES = Path(__file__).parents[2] / "examples"
GUARD = 60.0  # seconds after which an example that hangs is killed; no test waits for it


@contextmanager
def running(example: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The example in a process of its own; its stdout is a pipe."""
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / example), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PATH": "", **environment},
    ) as process:
        guard = Timer(GUARD, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            guard.join()
            process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


async def confirm(connection: ServerConnection) -> None:
    """Send back what was asked for, and one message more."""
    await connection.send(await connection.recv())
    await connection.send("news")
    await connection.wait_closed()


@pytest.mark.parametrize("example", ["tail_asyncio.py", "tail_trio.py"])
def test_tail_subscribes_and_prints_after_every_connect(example: str) -> None:
    async def confirm_and_hang_up(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())

    with WebSocketServer(confirm_and_hang_up, confirm) as server, running(example, server.url) as process:
        assert lines(process, 3) == ['{"op": "subscribe"}', '{"op": "subscribe"}', "news"]


def test_the_first_example_prints_updates_of_its_streams() -> None:
    """At a simulated service: it dials what it is told in place of Binance's own URL."""
    streams = ("btcusdt@kline_1m", "btcusdt@bookTicker")
    elsewhere = (
        "import runpy, sys; from functools import partial; from holdfast.dialects import binance\n"
        "binance.spot = partial(binance.spot, endpoint=sys.argv[1]); runpy.run_path(sys.argv[2])"
    )
    example = str(EXAMPLES / "binance_asyncio.py")
    with ExchangeHost(Exchange([Stream(name, 20.0) for name in streams], service=BinanceSpot())) as host:
        command = [sys.executable, "-c", elsewhere, f"{host.url}/stream", example]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            guard = Timer(GUARD, process.kill)
            guard.start()
            seen = {line.partition(" ")[0] for line in lines(process, 10)}
            guard.cancel()
            guard.join()
            process.kill()
    assert seen == set(streams)


def test_gaps_are_shown() -> None:
    with (
        WebSocketServer(send_all("before"), send_and_stay("after")) as server,
        running("events_asyncio.py", server.url) as process,
    ):
        before, gap, after = lines(process, 3)
    assert (before, after) == ("before", "after")
    assert gap.endswith("messages may be missing: closed by the server: 1000 (normal closure)")


# The blocking driver


def test_the_blocking_driver_comes_back() -> None:
    with (
        WebSocketServer(send_all("one"), send_and_stay("two", "x" * 200_000)) as server,
        running("blocking_driver.py", server.url) as process,
    ):
        assert lines(process, 3) == ["one", "two", "x" * 200_000]


def test_the_blocking_driver_answers_pings_and_speaks_tls(tmp_path: Path) -> None:
    async def ping_between(connection: ServerConnection) -> None:
        await connection.send("one")
        await (await connection.ping())
        await connection.send("two")
        await connection.wait_closed()

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with (
        WebSocketServer(ping_between, tls=context) as server,
        running("blocking_driver.py", server.url, SSL_CERT_FILE=str(tmp_path / "ca.pem")) as process,
    ):
        assert lines(process, 2) == ["one", "two"]


def test_the_blocking_driver_ends_when_the_machine_gives_up() -> None:
    def refuse(connection: ServerConnection, _request: object) -> object:
        return connection.respond(403, "no\n")

    handler: Handler = send_all("never")
    with (
        WebSocketServer(handler, process_request=refuse) as server,
        running("blocking_driver.py", server.url) as process,
    ):
        out, _ = process.communicate()
        assert (out, process.returncode) == ("", 0)
