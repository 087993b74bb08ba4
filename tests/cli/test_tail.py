"""`holdfast tail` as people run it: a process of its own, against a real server on loopback."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner
from websockets.asyncio.server import ServerConnection

from helpers.servers import WebSocketServer, echo, listen, send_and_stay, unused_port
from helpers.tailed import GUARD, Tail
from holdfast_cli.tail import tail

QUICK = "--backoff=0.01:0.1"


async def flood(connection: ServerConnection) -> None:
    while True:
        await connection.send("drop")


# What it writes


def test_each_message_is_a_line(run: Callable[..., Tail]) -> None:
    with WebSocketServer(send_and_stay("one", '{"two":\r\n 2}', b"\x00\xff", "tři", "")) as server:
        tailed = run(server.url)
        assert [tailed.line() for _ in range(5)] == ["one", '{"two":   2}', "AP8=", "tři", ""]


def test_states_are_told_on_stderr(run: Callable[..., Tail]) -> None:
    with WebSocketServer(send_and_stay("one")) as server:
        tailed = run(server.url)
        assert tailed.state("connected").startswith(f"holdfast: connected to {server.url} in ")


def test_events_are_json_and_hold_no_secrets(run: Callable[..., Tail]) -> None:
    with WebSocketServer(send_and_stay("one")) as server:
        tailed = run("--events", server.url.replace("//", "//me:pass123@") + "?token=pass123&symbol=x")
        tailed.line()
        code, _, err = tailed.end(signal.SIGINT)
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events] == ["Connecting", "Connected"]
    assert events[1]["url"] == f"{server.url}?token=***&symbol=x"
    assert "pass123" not in err
    assert code == 130


def test_header_subprotocol_and_texts_arrive(run: Callable[..., Tail]) -> None:
    async def report(connection: ServerConnection) -> None:
        assert connection.request is not None
        await connection.send(f"{connection.request.headers['X-Desk']} {connection.subprotocol}")
        await echo(connection)

    with WebSocketServer(report, subprotocols=["feed.v1"]) as server:
        tailed = run("--header", "X-Desk: 4:2", "--subprotocol=feed.v1", "--send=first", "--send=second", server.url)
        assert [tailed.line() for _ in range(3)] == ["4:2 feed.v1", "first", "second"]


# Coming back


def test_a_server_that_restarts_three_times_is_followed(run: Callable[..., Tail]) -> None:
    async def echo_with_number(connection: ServerConnection) -> None:
        await connection.send(f"connection {server.accepted}")
        await echo(connection)

    with WebSocketServer(echo_with_number) as server:
        tailed = run(QUICK, "--send=hello", server.url)
        for number in (1, 2, 3):
            assert [tailed.line(), tailed.line()] == [f"connection {number}", "hello"]
            server.call(server.stop())
            tailed.state("reconnecting in")
            server.call(server.start())
        assert [tailed.line(), tailed.line()] == ["connection 4", "hello"]
        code, out, err = tailed.end(signal.SIGINT)
    assert (code, out) == (130, "")
    assert "holdfast: gap of " in err


def test_a_silent_connection_is_replaced(run: Callable[..., Tail]) -> None:
    with WebSocketServer(listen, send_and_stay("at last")) as server:
        tailed = run(QUICK, "--stale-after=0.2", server.url)
        assert tailed.line() == "at last"


# Pipes


def test_ends_quietly_when_its_reader_goes(run: Callable[..., Tail]) -> None:
    with WebSocketServer(flood) as server:
        tailed = run(server.url)
        assert tailed.line() == "drop"
        assert tailed.process.stdout is not None
        tailed.process.stdout.close()  # as `head -1` does
        assert tailed.process.stderr is not None
        err = tailed.process.stderr.read()
        code = tailed.process.wait()
    assert code == 0
    assert [line.split(" ")[:2] for line in err.splitlines()] == [["holdfast:", "connected"]]


def test_a_reader_that_rests_does_not_hold_up_pongs(run: Callable[..., Tail]) -> None:
    ponged = threading.Event()
    sent = ["x" * 4000] * 2000  # more than a pipe and the backlog take

    async def send_then_ping(connection: ServerConnection) -> None:
        for message in sent:
            await connection.send(message)
        await (await connection.ping())
        ponged.set()
        await connection.wait_closed()

    with WebSocketServer(send_then_ping) as server:
        tailed = run(server.url)
        assert ponged.wait(GUARD), "no pong while nobody reads the output"
        assert [tailed.line() for _ in sent] == sent


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line() -> None:
    with WebSocketServer(flood) as server, Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "holdfast_cli", "tail", server.url]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=GUARD)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "holdfast: cannot write: No space left on device"


# Endings


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_an_open_feed(run: Callable[..., Tail], number: signal.Signals, code: int) -> None:
    with WebSocketServer(send_and_stay("one")) as server:
        tailed = run(server.url)
        tailed.line()
        tailed.state("connected")
        assert tailed.end(number) == (code, "", "")


def test_a_signal_ends_the_wait_for_a_retry(run: Callable[..., Tail]) -> None:
    tailed = run("--backoff=1000:1000", f"ws://127.0.0.1:{unused_port()}")
    assert "connection refused" in tailed.state("reconnecting in")
    assert tailed.end(signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_for_good_is_one_line(run: Callable[..., Tail], status: int) -> None:
    with WebSocketServer(listen, process_request=lambda connection, _: connection.respond(status, "no\n")) as server:
        code, out, err = run(server.url).end()
    assert (code, out) == (3, "")
    assert err.startswith(f"holdfast: gave up: HTTP {status} ")
    assert err.count("\n") == 1


def test_wss_trusts_the_given_certificates_only(run: Callable[..., Tail], tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    cafile = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(cafile))
    with WebSocketServer(send_and_stay("sealed"), tls=context) as server:
        assert run(f"--cafile={cafile}", server.url).line() == "sealed"
        code, out, err = run(server.url).end()
    assert (code, out) == (3, "")
    assert err.startswith("holdfast: gave up: certificate does not verify")
    assert err.count("\n") == 1


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["http://me:pass123@localhost/?token=pass123"], "must begin with ws:// or wss://"),
        (["ws://"], "names no host"),
        (["ws://localhost", "--header", "pass123"], "must be NAME:VALUE"),
        (["ws://localhost", "--header", "Host: pass123"], "is written by the handshake itself"),
        (["ws://localhost", "--subprotocol", "a b"], "is not a token"),
        (["ws://localhost", "--send", "\udcff"], "must be UTF-8"),
        (["ws://localhost", "--backoff", "1"], "two numbers of seconds"),
        (["ws://localhost", "--backoff", "2:1"], "Backoff.maximum"),
        (["ws://localhost", "--stale-after", "0"], "Staleness.after"),
        (["ws://localhost", "--cafile", "nowhere.pem"], "does not exist"),
        (["ws://localhost", "--cafile", __file__], "holds no certificates"),
        (["ws://localhost", "--transport", "curio"], "curio"),
        ([], "URL"),
    ],
)
def test_wrong_usage_exits_with_2_and_tells_no_secrets(arguments: list[str], message: str) -> None:
    before = signal.getsignal(signal.SIGINT)
    result = CliRunner().invoke(tail, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "pass123" not in result.stderr
    assert signal.getsignal(signal.SIGINT) is before
