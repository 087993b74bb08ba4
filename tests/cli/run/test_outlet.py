"""The way to a sink: bounded, in order, and truthful about what was lost."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast_cli.run.outlet import Outlet
from holdfast_cli.run.sinks import SinkGone

GUARD = 20.0


class Kept:
    """A sink that keeps lines in memory, and does what a test says: rest, or raise."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_resting = threading.Event()
        self.errors: list[BaseException] = []
        self.opened = self.closed = 0

    def open(self) -> None:
        self.opened += 1
        self._fail()

    def write(self, lines: bytes) -> None:
        if not self.may_go_on.is_set():
            self.is_resting.set()
        assert self.may_go_on.wait(GUARD)
        self._fail()
        self.lines += lines.splitlines(keepends=True)

    def close(self) -> None:
        self.closed += 1

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def sink() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.may_go_on.set()


def line(number: int) -> bytes:
    return b"%d\n" % number


def test_lines_come_in_their_order(sink: Kept) -> None:
    outlet = Outlet("out", sink, 1024 * 1024)
    outlet.start()
    for number in range(1000):
        outlet.put(line(number))
    outlet.finish()
    assert outlet.wait(GUARD)
    assert sink.rows() == list(range(1000))
    assert (sink.opened, sink.closed, outlet.lost, outlet.queued) == (1, 1, 0, 0)


def test_at_the_bound_lines_are_lost_and_that_is_declared_in_their_place(sink: Kept) -> None:
    outlet = Outlet("out", sink, 70 * 10)
    sink.may_go_on.clear()
    outlet.start()
    outlet.put(line(0))
    assert sink.is_resting.wait(GUARD)  # holding the first
    for number in range(1, 100):
        outlet.put(line(number))
    assert outlet.queued <= 70 * 10
    lost = outlet.lost
    assert 80 < lost < 100
    sink.may_go_on.set()
    while outlet.queued > 0:
        pass
    outlet.put(line(100))
    outlet.finish()
    assert outlet.wait(GUARD)
    rows = sink.rows()
    kept = 100 - lost
    assert rows[:kept] == list(range(kept))
    assert (rows[kept]["event"], rows[kept]["sink"], rows[kept]["lines"]) == ("SinkLost", "out", lost)
    assert rows[kept]["since"] <= rows[kept]["until"] == rows[kept]["at"]
    assert rows[kept + 1 :] == [100]


def test_what_was_lost_up_to_the_end_is_declared_at_the_end(sink: Kept) -> None:
    outlet = Outlet("out", sink, 200)
    sink.may_go_on.clear()
    outlet.start()
    for number in range(10):
        outlet.put(line(number))
    outlet.finish()
    sink.may_go_on.set()
    assert outlet.wait(GUARD)
    assert sink.rows()[-1]["lines"] == outlet.lost


def test_after_an_error_the_same_lines_are_given_again(sink: Kept, caplog: pytest.LogCaptureFixture) -> None:
    sink.errors = [OSError(28, "No space left on device"), OSError(28, "No space left on device"), ValueError("mine")]
    outlet = Outlet("out", sink, 1024, retry_after=0.001)
    outlet.start()
    outlet.put(line(1))
    outlet.put(line(2))
    outlet.finish()
    assert outlet.wait(GUARD)
    assert sink.rows() == [1, 2]
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "sink out: No space left on device: trying again"
    assert [text for text in told if "goes on after" in text]
    assert len(told) <= 4, "not one line for every attempt"


def test_an_outlet_ends_in_time_though_its_sink_fails_for_ever(sink: Kept) -> None:
    sink.errors = [OSError(28, "full")] * 10_000
    outlet = Outlet("out", sink, 1024, retry_after=3600)
    outlet.start()
    outlet.put(line(1))
    outlet.finish()
    assert not outlet.wait(0.05)
    assert outlet.queued > 0
    assert len(sink.errors) == 9_999, "it was tried once so far"
    outlet._thread.join(GUARD)
    assert outlet.is_done()


def test_a_sink_that_is_gone_gets_nothing_more(sink: Kept, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    gone = threading.Event()
    sink.errors = []
    outlet = Outlet("out", sink, 1024, on_gone=gone.set)
    sink.errors = [SinkGone("its reader is gone")]
    outlet._is_open = True
    outlet.start()
    outlet.put(line(1))
    assert gone.wait(GUARD)
    outlet.put(line(2))
    outlet.finish()
    outlet.wait(GUARD)
    assert outlet.is_gone
    assert sink.lines == []
    assert outlet.lost == 1
    assert "gone for good: its reader is gone" in caplog.text


def test_a_sink_that_never_opened_is_not_tried_for_ever_once_nobody_wants_it(
    sink: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    sink.errors = [OSError(20, "Not a directory") for _ in range(1000)]
    outlet = Outlet("files", sink, 1000, retry_after=GUARD)
    outlet.start()
    outlet.put(line(1))
    outlet.dismiss()
    assert outlet.wait(GUARD / 2), "it does not hold up the end"
    assert outlet.is_done()
    assert "could not be opened: 66 bytes that waited for it are lost" in caplog.text


def test_a_sink_that_is_removed_gets_what_waited_for_it(sink: Kept) -> None:
    outlet = Outlet("files", sink, 1000)
    outlet.open()
    outlet.start()
    outlet.put(line(1))
    outlet.dismiss()
    assert outlet.wait(GUARD)
    assert sink.lines == [line(1)]
    assert sink.closed == 1


def test_a_sink_that_takes_the_place_of_another_waits_until_that_is_closed(sink: Kept) -> None:
    """They may want the same path."""
    first = Outlet("one", sink, 10_000)
    first.open()
    first.start()
    sink.may_go_on.clear()
    first.put(line(1))
    assert sink.is_resting.wait(GUARD)
    first.dismiss()
    other = Kept()
    opened_when_closed = []
    other.open = lambda: opened_when_closed.append(sink.closed)  # type: ignore[method-assign]
    second = Outlet("one", other, 10_000, replaces=first)
    second.start()
    second.put(line(2))
    assert opened_when_closed == []
    sink.may_go_on.set()
    second.finish()
    assert second.wait(GUARD)
    assert opened_when_closed == [1]
    assert (sink.lines, other.lines) == ([line(1)], [line(2)])


def test_a_sink_that_wants_to_exit_is_tried_again_like_any_other(sink: Kept, caplog: pytest.LogCaptureFixture) -> None:
    sink.errors = [SystemExit(3)]
    outlet = Outlet("one", sink, 10_000, retry_after=0.0)
    outlet.start()
    outlet.put(line(1))
    outlet.finish()
    assert outlet.wait(GUARD)
    assert sink.lines == [line(1)]
    assert "SystemExit: 3: trying again" in caplog.text


def test_an_outlet_whose_thread_broke_has_not_written_all(sink: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    sink.errors = [GeneratorExit()]
    outlet = Outlet("one", sink, 10_000)
    outlet.start()
    outlet.put(line(1))
    outlet.finish()
    assert not outlet.wait(GUARD)


def test_what_was_opened_is_closed_if_it_never_starts(sink: Kept) -> None:
    outlet = Outlet("one", sink, 10_000)
    outlet.abandon()
    assert sink.closed == 0
    outlet.open()
    outlet.abandon()
    assert sink.closed == 1
