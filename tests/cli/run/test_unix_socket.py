"""Lines for whoever connects to a Unix socket: a slow reader hurts nobody but itself, and is told."""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest

from holdfast import ConfigError
from holdfast_cli.run.sinks import UnixSocket, unix_socket
from holdfast_cli.run.sinks.unix_socket import _Reader

GUARD = 20.0


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[UnixSocket]:
    made = UnixSocket(str(tmp_path / "feed.sock"), max_reader_queue=100_000, reader_timeout=GUARD)
    made.open()
    yield made
    if made._thread.is_alive():
        made.reader_timeout = 0.01
        made.close()


def reader(sink: UnixSocket) -> socket.socket:
    """Connected, and known to the sink."""
    before = sink.readers
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(GUARD)
    connected.connect(sink.path)
    while sink.readers == before:
        pass
    return connected


def lines_of(connected: socket.socket) -> IO[bytes]:
    return connected.makefile("rb")


def line(number: int) -> bytes:
    return b'{"n":%d}\n' % number


def test_every_reader_gets_every_line_from_when_it_came(sink: UnixSocket) -> None:
    with reader(sink) as one:
        sink.write(line(1))
        with reader(sink) as two:
            sink.write(line(2) + line(3))
            assert [lines_of(one).readline() for _ in range(1)] == [line(1)]
            closing = threading.Thread(target=sink.close)
            closing.start()
            assert lines_of(two).read() == line(2) + line(3)
        closing.join(GUARD)
    assert not Path(sink.path).exists()


def test_a_slow_reader_loses_and_is_told_how_much_and_the_others_do_not_notice(sink: UnixSocket) -> None:
    total, got = 100_000, list[Any]()
    with reader(sink) as slow, reader(sink) as quick:
        done = threading.Event()

        def read() -> None:
            with lines_of(quick) as told:
                for one in told:
                    got.append(json.loads(one)["n"])
                    if got[-1] == total:
                        done.set()
                        return

        thread = threading.Thread(target=read)
        thread.start()
        for number in range(1, total, 500):
            sink.write(b"".join(line(one) for one in range(number, number + 500)))
            while got[-1:] < [number - 2000]:  # the quick one is no slower than that
                pass
        assert done.wait(GUARD)
        thread.join()
        assert got == list(range(1, total + 1))

        closing = threading.Thread(target=sink.close)
        closing.start()
        rows = [json.loads(one) for one in lines_of(slow)]
        closing.join(GUARD)
    lost = [row for row in rows if "event" in row]
    numbers = [row["n"] for row in rows if "n" in row]
    assert {row["event"] for row in lost} == {"ReaderLost"}
    assert len(numbers) + sum(row["lines"] for row in lost) == total
    at = rows.index(lost[0])
    assert numbers[:at] == list(range(1, at + 1)), "up to the loss nothing is missing"
    assert lost[0]["since"] <= lost[0]["until"]


def test_losing_goes_on_until_half_of_the_queue_is_free() -> None:
    ours, theirs = socket.socketpair()
    piece = b"x" * 9_999 + b"\n"
    with ours, theirs:
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least that there is
        one = _Reader(ours, 100_000)

        def take(pieces: int) -> bytes:
            """Read so many from the other end, sending all along."""
            taken = b""
            while len(taken) < pieces * len(piece):
                with suppress(BlockingIOError):
                    one.send()
                taken += theirs.recv(pieces * len(piece) - len(taken))
            return taken

        for _ in range(12):
            one.put(piece)
        assert take(3) == piece * 3
        one.put(piece)  # there is room, but less than a half
        taken = take(7)
        assert taken == piece * 7
        one.put(piece)
        with suppress(BlockingIOError):
            one.send()
        told, rest = theirs.recv(100_000).split(b"\n", 1)
        assert json.loads(told)["lines"] == 3
        assert piece.startswith(rest)


def test_of_what_is_more_than_the_queue_takes_the_first_lines_are_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        one = _Reader(ours, 1024)
        one.put(b"".join(line(number) for number in range(1000)))
        one.send()
        one.put(line(1000))
        one.send()
        assert one.has_all, "nothing waits for what will never come"
        rows = [json.loads(told) for told in theirs.recv(100_000).splitlines()]
    (at,) = [index for index, row in enumerate(rows) if "event" in row]
    assert [row["n"] for row in rows[:at]] == list(range(at)), "as many as there is room for"
    assert at > 50
    assert rows[at]["lines"] == 1000 - at
    assert [row["n"] for row in rows[at + 1 :]] == [1000]


def test_a_line_that_is_larger_than_the_queue_is_lost_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        one = _Reader(ours, 1024)
        one.put(b"x" * 2000 + b"\n")
        one.send()
        one.put(line(1))
        one.send()
        told, rest = theirs.recv(100_000).split(b"\n", 1)
    assert json.loads(told)["lines"] == 1
    assert rest == line(1)
    assert one.has_all


def test_a_reader_that_goes_is_forgotten(sink: UnixSocket) -> None:
    with reader(sink):
        pass
    while sink.readers:
        sink.write(line(1))
    with reader(sink) as another:
        sink.write(line(2))
        assert lines_of(another).readline() == line(2)


def test_a_reader_that_takes_nothing_holds_up_the_end_for_so_long_only(tmp_path: Path) -> None:
    sink = UnixSocket(str(tmp_path / "s"), reader_timeout=0.05)
    sink.open()
    with reader(sink):
        sink.write(line(1) * 500_000)
        sink.close()
    assert not Path(sink.path).exists()


def test_a_reader_for_whom_there_is_no_file_waits_and_nothing_spins(
    sink: UnixSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, failures, slept = socket.socket.accept, [errno.EMFILE] * 3, list[float]()

    def accepting(listener: socket.socket) -> Any:
        if failures:
            raise OSError(failures.pop(), "Too many open files")
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accepting)
    monkeypatch.setattr(unix_socket, "sleep", slept.append)
    with reader(sink) as late:
        sink.write(line(1))
        assert lines_of(late).readline() == line(1)
    assert len(slept) == 3
    assert min(slept) > 0


def test_what_a_dead_process_left_is_replaced_but_no_other_thing(tmp_path: Path, sink: UnixSocket) -> None:
    with pytest.raises(OSError, match="another process listens"):
        UnixSocket(sink.path).open()
    leftover = str(tmp_path / "leftover")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(leftover)
    again = UnixSocket(leftover)
    again.open()
    again.close()
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(OSError, match="no socket"):
        UnixSocket(str(file)).open()
    assert file.read_text() == "mine"


def test_only_its_owner_and_group_may_read(sink: UnixSocket) -> None:
    assert Path(sink.path).stat().st_mode & 0o777 == 0o660


def test_what_cannot_be_is_an_error() -> None:
    for path in ("", "x" * 101):
        with pytest.raises(ConfigError, match="path = "):
            UnixSocket(path)


def test_the_socket_of_another_that_came_meanwhile_is_left(tmp_path: Path) -> None:
    path = tmp_path / "feed.sock"
    first, second = (UnixSocket(str(path), reader_timeout=GUARD) for _ in range(2))
    first.open()
    path.unlink()
    second.open()
    first.close()
    assert path.exists()
    second.close()
    assert not path.exists()


def test_the_path_is_free_before_the_last_reader_has_all(tmp_path: Path) -> None:
    first, second = (UnixSocket(str(tmp_path / "feed.sock"), reader_timeout=GUARD) for _ in range(2))
    first.open()
    late = reader(first)
    first.write(line(1) * 300_000)
    closing = threading.Thread(target=first.close)
    closing.start()
    while Path(first.path).exists():
        pass
    second.open()
    with late, lines_of(late) as lines:
        assert len(lines.readlines()) == 300_000
    closing.join(GUARD)
    assert Path(second.path).exists()
    second.close()
