"""Sinks of `holdfast run` in a process of its own: complete at the end, and never a reason for a lost connection."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zstandard

from helpers.running import GUARD, Run, in_sequence, numbers, rows
from holdfast.testing import Exchange, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.exchange_host import ExchangeHost

NAMES = tuple(f"c{number}usdt@trade" for number in range(10))
TESTS = str(Path(__file__).parents[2])


def exchange() -> Exchange:
    return Exchange([Stream(name, 100) for name in NAMES], service=BinanceSpot())


def feed(host: ExchangeHost) -> str:
    return f"""
[feeds.trades]
service = "binance"
url = "{host.url}/stream"
streams = ["c{{n}}usdt@trade"]
each.n = {json.dumps([str(number) for number in range(10)])}
backoff = {{ initial = 0.01, maximum = 0.1 }}
"""


def read_all(folder: Path) -> bytes:
    """The lines of all files, in the order of their names."""
    found = b""
    for path in sorted(folder.iterdir()):
        assert not path.name.endswith(".part")
        data = path.read_bytes()
        found += zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read() if ".zst" in path.name else data
    return found


@contextmanager
def closing(what: str, file: Path) -> Generator[subprocess.Popen[bytes]]:
    """`holdfast run` as a shell starts it that closes a standard stream."""
    command = ["sh", "-c", f'exec "$@" {what}', "sh", sys.executable, "-m", "holdfast_cli", "run", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def published(host: ExchangeHost) -> dict[str, int]:
    """The number of the last message of each stream so far."""
    return host.ask(lambda exchange, _: {one.stream: one.sequence for one in exchange.ledger.publications})


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_sigterm_leaves_complete_files(compress: str, start: Callable[..., Run], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    sink = f"[sinks.files]\ntype = 'files'\nfolder = '{folder}'\nmax_size = '64 KiB'\ncompress = '{compress}'\n"
    with ExchangeHost(exchange()) as host:
        run = start(sink + feed(host))
        run.told("subscribed")
        begun = published(host)
        while min(published(host).values()) < max(begun.values()) + 150:
            assert run.process.poll() is None
        last = published(host)
        assert run.end(signal.SIGTERM) == 0
    told = rows(read_all(folder))
    series = numbers(told)
    assert series.keys() == set(NAMES)
    for name, one in series.items():
        assert in_sequence(one)
        assert one[-1] >= last[name], "all that was published before the signal"
    assert told[-1]["event"] == "Closed"
    if compress == "none":
        assert len(list(folder.iterdir())) > 2


def test_a_stuck_sink_costs_no_connection_and_no_line_of_another(start: Callable[..., Run], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    sinks = f"""
    close_timeout = 2
    [sinks.stuck]
    type = "helpers.sinks_of_ones_own:Stuck"
    max_queue = "64 KiB"
    [sinks.files]
    type = "files"
    folder = "{folder}"
    """
    with ExchangeHost(exchange()) as host:
        run = start(sinks + feed(host), PYTHONPATH=TESTS)
        run.told("sink stuck: full")
        begun = published(host)
        while min(published(host).values()) < max(begun.values()) + 100:
            assert run.process.poll() is None
        last = published(host)
        assert run.end() == 1, "not all was written"
        assert host.ask(lambda exchange, _: len(exchange.ledger.connections)) == 1
    log = "".join(run.log)
    assert "sink stuck: " in log
    assert "bytes were not written" in log
    series = numbers(rows(read_all(folder)))
    assert all(in_sequence(one) and one[-1] >= last[name] for name, one in series.items())


def test_a_reader_of_stdout_that_rests_costs_nothing_but_what_is_declared(
    start: Callable[..., Run], tmp_path: Path
) -> None:
    pipe = tmp_path / "holdfast.out"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)  # so that nobody waits for the other end
    try:
        with ExchangeHost(exchange()) as host:
            run = start("[sinks.out]\ntype = 'stdout'\nmax_queue = '64 KiB'\n" + feed(host))
            run.told("sink out: full")
            found = b""
            while b'"SinkLost"' not in found:
                found += os.read(descriptor, 65536)
            run.give(signal.SIGTERM)
            while b'"Closed"' not in found:
                found += os.read(descriptor, 65536)
            assert run.end(None) == 0
            assert host.ask(lambda exchange, _: len(exchange.ledger.connections)) == 1
    finally:
        os.close(descriptor)
    told = rows(found)
    lost = [row for row in told if row.get("event") == "SinkLost"]
    series = numbers(told)
    missing = sum(one[-1] - one[0] + 1 - len(one) for one in series.values())
    assert missing <= sum(row["lines"] for row in lost)
    first = told.index(lost[0])
    assert all(in_sequence(one) for one in numbers(told[:first]).values())


def test_the_command_ends_when_nobody_reads_its_only_sink(start: Callable[..., Run], tmp_path: Path) -> None:
    pipe = tmp_path / "holdfast.out"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with ExchangeHost(exchange()) as host:
        run = start(feed(host))
        run.told("subscribed")
        os.close(reader)
        assert run.end(None) == 0
    assert "sink stdout: gone for good: its reader is gone" in "".join(run.log)


def test_a_stderr_that_is_closed_is_not_mistaken_for_a_file(tmp_path: Path) -> None:
    file, folder = tmp_path / "holdfast.toml", tmp_path / "data"
    with ExchangeHost(exchange()) as host:
        file.write_text(f"[sinks.a]\ntype = 'files'\nfolder = '{folder}'\n" + feed(host))
        with closing("2>&-", file) as process:
            while sum(path.stat().st_size for path in folder.glob("*")) < 10_000:
                assert process.poll() is None
            process.terminate()
            assert process.wait(GUARD) == 0
    assert all(in_sequence(one) for one in numbers(rows(read_all(folder))).values())


def test_a_stdout_that_is_closed_has_no_reader(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    with ExchangeHost(exchange()) as host:
        file.write_text(feed(host))
        with closing(">&-", file) as process:
            _, told = process.communicate(timeout=GUARD)
    assert b"sink stdout: gone for good: its reader is gone" in told
    assert process.returncode == 0


def test_readers_of_a_unix_socket_get_lines(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "s"
    with ExchangeHost(exchange()) as host:
        run = start(f"[sinks.readers]\ntype = 'unix'\npath = '{path}'\n" + feed(host))
        run.told("subscribed")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as reader:
            reader.connect(str(path))
            told = reader.makefile("rb")
            found = [told.readline() for _ in range(500)]
            run.give(signal.SIGTERM)
            found += told.readlines()
        assert run.end(None) == 0
    series = numbers(rows(b"".join(found)))
    assert series.keys() == set(NAMES)
    assert all(in_sequence(one) for one in series.values())
    assert not path.exists()


def test_a_sink_of_ones_own(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "mine"
    kind = "helpers.sinks_of_ones_own:Appending"
    sink = f"[sinks.mine]\ntype = '{kind}'\npath = '{path}'\nprefix = '> '\nevents = false\n"
    with ExchangeHost(exchange()) as host:
        run = start(sink + feed(host), PYTHONPATH=TESTS)
        run.told("subscribed")
        while not path.stat().st_size:
            assert run.process.poll() is None
        assert run.end() == 0
    *told, last = path.read_bytes().splitlines()
    assert last == b"closed"
    found: list[Any] = [json.loads(line.removeprefix(b"> ")) for line in told]
    assert {row["feed"] for row in found} == {"trades"}
    assert not any("event" in row for row in found)


def test_a_sink_that_cannot_be_opened_ends_the_command_before_it_begins(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        run = start("[sinks.a]\ntype = 'helpers.sinks_of_ones_own:Broken'\n" + feed(host), PYTHONPATH=TESTS)
        assert run.end(None) == 1
        assert not host.ask(lambda exchange, _: list(exchange.ledger.connections))
    assert "holdfast: sink a: Permission denied\n" in run.log


def test_an_error_of_a_sink_names_its_file(start: Callable[..., Run], tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    run = start(f"[sinks.a]\ntype = 'files'\nfolder = '{taken}'\n[feeds.a]\nurl = 'ws://localhost:1/'\n")
    assert run.end(None) == 1
    assert f"holdfast: sink a: {taken}: File exists\n" in run.log


def test_sinks_come_and_go_with_the_file(start: Callable[..., Run], tmp_path: Path) -> None:
    def sink(name: str, prefix: str = "") -> str:
        path = tmp_path / f"{name}{prefix}.txt"
        more = f"prefix = '{prefix}'\n" if prefix else ""
        return f"[sinks.{name}]\ntype = 'helpers.sinks_of_ones_own:Appending'\npath = '{path}'\n{more}"

    def has_lines(name: str) -> bool:
        path = tmp_path / f"{name}.txt"
        return path.exists() and path.stat().st_size > 1000

    with ExchangeHost(exchange()) as host:
        run = start(sink("a") + sink("b") + sink("c") + feed(host), PYTHONPATH=TESTS)
        while not (has_lines("a") and has_lines("b")):
            assert run.process.poll() is None
        (tmp_path / "holdfast.toml").write_text(sink("a") + sink("c", "x") + sink("d") + feed(host))
        run.give(signal.SIGHUP)
        run.told("sink b: removed")
        run.told("sink c: replaced")
        while not (has_lines("cx") and has_lines("d")):
            assert run.process.poll() is None
        assert run.end() == 0
    for name in "abcd":
        assert (tmp_path / f"{name}.txt").read_bytes().endswith(b"closed\n")
    lines = (tmp_path / "a.txt").read_bytes().splitlines()[:-1]
    assert all(in_sequence(one) for one in numbers(map(json.loads, lines)).values())
    b, d = ((tmp_path / f"{name}.txt").read_bytes().splitlines() for name in "bd")
    assert not set(b[:-1]) & set(d[:-1]), "what came to the one did not come to the other"
