"""One window of dials for several processes, in a file."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock

from helpers.backends import Backend
from helpers.servers import WebSocketServer, send_and_stay
from holdfast import ConfigError, Connected, DialWindow, RetryScheduled
from holdfast_shared import SharedWindow, dial_window

HOST = "example.com"


class Wall:
    """A wall clock that stands still."""

    def __init__(self, now: float = 1779000000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Asking(SharedWindow):
    def __init__(self, path: Path, wall: Wall, count: int = 3, period: float = 10.0) -> None:
        self.told: list[str] = []
        super().__init__(path, DialWindow(count, period), lambda level, line: self.told.append(line), wall)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dials.json"


def test_two_share_what_there_is_and_a_third_host_has_its_own(path: Path) -> None:
    wall = Wall()
    one, two = Asking(path, wall), Asking(path, wall)
    assert [one.ask(HOST), two.ask(HOST), one.ask(HOST)] == [0.0, 0.0, 0.0]
    assert two.ask("other.com") == 0.0
    assert two.ask(HOST) == pytest.approx(10.0)
    wall.now += 9.5
    assert one.ask(HOST) == pytest.approx(0.5)
    wall.now += 0.5
    assert one.ask(HOST) == 0.0, "what happened a period ago lies outside"
    assert one.told + two.told == []
    assert {item.name for item in path.parent.iterdir()} <= {"dials.json", "dials.json.lock"}


def test_who_stands_behind_others_waits_for_a_later_place(path: Path) -> None:
    wall = Wall()
    window = Asking(path, wall)
    for _ in range(3):
        window.ask(HOST)
        wall.now += 1.0
    assert [window.ask(HOST, ahead) for ahead in range(5)] == pytest.approx([7.0, 8.0, 9.0, 17.0, 18.0])


def test_no_period_has_more_dials_than_it_may(path: Path) -> None:
    wall, dials = Wall(), []
    windows = [Asking(path, wall), Asking(path, wall)]
    for step in range(400):
        if windows[step % 2].ask(HOST) == 0.0:
            dials.append(wall.now)
        wall.now += 0.37
    assert len(dials) > 40
    assert all(later - earlier >= 10.0 for earlier, later in zip(dials, dials[3:], strict=False))
    assert len(json.loads(path.read_text())["hosts"][HOST]["dials"]) <= 4, "old ones are forgotten"
    assert all(later > earlier for earlier, later in pairwise(dials))


def test_each_keeps_what_those_with_a_longer_period_need(path: Path) -> None:
    wall = Wall()
    patient, quick = Asking(path, wall, count=1, period=100.0), Asking(path, wall, count=1, period=1.0)
    assert patient.ask(HOST) == 0.0
    wall.now += 50.0
    assert quick.ask(HOST) == 0.0
    wall.now += 49.0
    assert patient.ask(HOST) == pytest.approx(51.0), "the quick one dialled there, too"


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"\xff\xfe", b"[]", b"7", b'{"version": 2, "hosts": {}}', b'{"version": 1, "hosts": {"a": 3}}',
     b'{"version": 1, "hosts": {"example.com": {"period": 10, "dials": ["x"]}}}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_broken_is_told_and_written_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    window = Asking(path, Wall())
    assert window.ask(HOST) == 0.0
    assert [line for line in window.told if "written anew" in line] == window.told != []
    assert [window.ask(HOST) for _ in range(3)] == [0.0, 0.0, pytest.approx(10.0)]
    assert len(window.told) == 1


def test_dials_of_a_clock_that_was_set_back_do_not_hold_up_anybody(path: Path) -> None:
    wall = Wall()
    window = Asking(path, wall)
    for _ in range(3):
        window.ask(HOST)
    wall.now -= 3600.0
    assert window.ask(HOST) == 0.0


def test_what_cannot_be_written_is_told_now_and_then_and_nobody_waits_for_it(path: Path) -> None:
    path.mkdir()
    window = Asking(path, Wall())
    assert [window.ask(HOST) for _ in range(5)] == [0.0] * 5
    assert len(window.told) == 1
    assert "dialling without it" in window.told[0]


def test_a_lock_that_somebody_keeps_is_not_waited_for_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial_window, "_PATIENCE", 0.02)
    window = Asking(path, Wall())
    with FileLock(f"{path}.lock"):
        assert [window.ask(HOST) for _ in range(50)] == [0.0] * 50
    assert "locked" in window.told[0]


def test_threads_of_one_process_take_turns(path: Path) -> None:
    window, answers = Asking(path, Wall(), count=20), []
    threads = [Thread(target=lambda: answers.append(window.ask(HOST))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(0.0) == 20
    assert window.told == []


def test_what_cannot_work_is_said_before_anything_is_dialled(backend: Backend, tmp_path: Path) -> None:
    for given, said in (
        (tmp_path / "no" / "dials.json", "there is no folder .*make it first"),
        (tmp_path, "is a folder; name a file in it"),
        (Path("/dev/full"), "is a device, a pipe or a socket; name an ordinary file"),
        ("", "dial_window_file = ''"),
        (3, "dial_window_file = 3"),
    ):
        with pytest.raises(ConfigError, match=said):
            backend.open_feed("ws://127.0.0.1/", dial_window_file=given)


def test_without_the_library_it_says_what_to_install(
    backend: Backend, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(ConfigError, match=r"pip install 'holdfast\[shared\]'"):
        backend.open_feed("ws://127.0.0.1/", dial_window_file=path)


def test_a_feed_waits_for_its_turn_and_tells(backend: Backend, path: Path) -> None:
    other = SharedWindow(path, DialWindow(2, 0.3), lambda level, line: None)
    assert [other.ask("127.0.0.1") for _ in range(2)] == [0.0, 0.0]
    with WebSocketServer(send_and_stay("here")) as server:

        async def test() -> None:
            told = []
            async with backend.open_feed(server.url, dial_window_file=path, dial_window=DialWindow(2, 0.3)) as feed:
                async for item in feed.items():
                    if isinstance(item, RetryScheduled | Connected):
                        told.append(type(item))
                    if item == "here":
                        break
                assert feed.stats().dials == 1
            assert told == [RetryScheduled, Connected]

        backend.run(test)


def test_a_feed_whose_file_is_broken_dials_and_says_so(
    backend: Backend, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("broken")
    with WebSocketServer(send_and_stay("here")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, dial_window_file=path) as feed:
                assert await anext(aiter(feed)) == "here"

        with caplog.at_level(logging.WARNING, "holdfast"):
            backend.run(test)
    assert "written anew" in caplog.text
    assert len(json.loads(path.read_text())["hosts"]["127.0.0.1"]["dials"]) == 1


PROGRAM = """
import sys, time
from holdfast import Backoff, Connecting, ConnectFailed, DialWindow
transport, url, path = sys.argv[1:]

async def main():
    window, until = DialWindow(6, 0.2), time.monotonic() + 1.2
    async with open_feed(url, dial_window_file=path, dial_window=window, backoff=Backoff(0.001, 1, 0.001)) as feed:
        async for item in feed.items():
            if time.monotonic() > until:
                break

if transport == "asyncio":
    import asyncio
    from holdfast_asyncio import open_feed
    asyncio.run(main())
else:
    import trio
    from holdfast_trio import open_feed
    trio.run(main)
"""


def test_two_processes_keep_one_window_together(path: Path) -> None:
    """One on asyncio and one on trio, at a server that hangs up at once, as fast as they may."""
    import time

    dials: list[float] = []

    async def hang_up(connection) -> None:
        dials.append(time.monotonic())

    with WebSocketServer(hang_up) as server:
        programs = [
            subprocess.Popen([sys.executable, "-c", PROGRAM, transport, server.url, str(path)])
            for transport in ("asyncio", "trio")
        ]
        assert [program.wait(timeout=30) for program in programs] == [0, 0]
    assert 18 < len(dials) <= 6 * ((dials[-1] - dials[0]) / 0.2 + 1)
