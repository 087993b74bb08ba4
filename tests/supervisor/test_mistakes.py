"""A dialect of a user's that raises: it is told, and the feed goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from helpers.combined import service
from helpers.sea import ALL, Sea
from holdfast import DialectFailed, Disconnected, Lagging, Patience, RetryScheduled, Service, ServiceLimits, Update
from holdfast.testing import Reset


class Mistaken:
    """The dialect of these tests, but for one function. `fails`: for how many of its calls."""

    def __init__(self, function: str, fails: Callable[..., Any], **changes: Any) -> None:
        self._dialect: Any = service(*ALL[:2]).dialect
        self._function, self._fails = function, fails
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        if name in self._changes:
            return self._changes[name]
        return self._fails if name == self._function else getattr(self._dialect, name)


def raises(*_: object) -> Any:
    raise RuntimeError("not in my tests")


def sea_with(dialect: Any, **options: Any) -> Sea:
    original = service(*ALL[:2])
    return Sea(Service(dialect, original.source, original.streams), **options)


def test_a_message_that_cannot_be_read_is_an_update_of_no_stream_and_the_others_come() -> None:
    read = service(*ALL[:2]).dialect.read

    def fails(message: str | bytes) -> Any:
        reading = read(message)
        if isinstance(reading, Update) and reading.stream == ALL[0]:
            raise StopIteration
        return reading

    sea = sea_with(Mistaken("read", fails))
    sea.run(100.0)
    streams = {update.stream for update in sea.of(Update)}
    assert streams == {None, ALL[1]}
    told = sea.of(DialectFailed)
    assert len(told) == 2, "once a minute"
    assert (told[0].function, told[0].error.partition(" ")[0]) == ("read", "StopIteration")
    assert not sea.of(Disconnected)
    first = next(index for index, item in enumerate(sea.items) if isinstance(item, DialectFailed))
    assert isinstance(sea.items[first + 1], Update), "it stands before what it is about"


@pytest.mark.parametrize("verdict", [raises, lambda failure: "try again"])
def test_without_a_verdict_a_failure_is_judged_as_it_usually_is(verdict: Callable[..., Any]) -> None:
    sea = sea_with(Mistaken("verdict", verdict))
    sea.run(5.0)
    sea.strike(Reset())
    sea.run(20.0)
    assert [event.function for event in sea.of(DialectFailed)] == ["verdict"]
    assert sea.of(RetryScheduled)
    assert sea.fleet.is_open


@pytest.mark.parametrize("ping", [raises, lambda number: "\ud800"])
def test_what_cannot_be_said_is_not_said(ping: Callable[..., Any]) -> None:
    limits = ServiceLimits(ping_every=10.0)
    sea = sea_with(Mistaken("ping", ping, limits=limits))
    sea.run(130.0)
    assert [event.function for event in sea.of(DialectFailed)] == ["ping"] * 2
    assert not sea.of(Disconnected)


def test_an_audit_that_cannot_be_asked_for_does_no_harm() -> None:
    sea = sea_with(Mistaken("list_streams", raises))
    sea.run(700.0)
    assert {event.function for event in sea.of(DialectFailed)} == {"list_streams"}
    assert not sea.of(Disconnected)


class Timeless(Update):
    __slots__ = ()

    @property
    def event_time(self) -> Any:
        return self.TIME

    TIME: Any = None


@pytest.mark.parametrize("time", [10**400, "noon", float("nan"), float("inf")], ids=str)
def test_a_time_that_is_none_is_no_lag(time: Any) -> None:
    kind = type("Kind", (Timeless,), {"TIME": time, "__slots__": ()})
    read = service(*ALL[:2]).dialect.read

    def timeless(message: str | bytes) -> Any:
        reading = read(message)
        return kind(reading.stream, reading.text) if isinstance(reading, Update) else reading

    sea = sea_with(Mistaken("read", timeless), patience={"*": Patience(lag=5.0)})
    sea.run(10.0)
    assert sea.of(Update)
    assert not sea.of(Lagging)
    assert not sea.of(DialectFailed)
    assert sea.fleet.is_open
