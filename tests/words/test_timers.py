"""The table of deadlines."""

from __future__ import annotations

import math
from enum import IntEnum

from hypothesis import given
from hypothesis import strategies as st

from holdfast.timers import Timers


class Name(IntEnum):
    FIRST = 0
    SECOND = 1
    THIRD = 2


TIMES = st.one_of(st.integers(0, 8).map(lambda quarters: quarters / 4), st.just(math.inf))


@given(st.tuples(TIMES, TIMES, TIMES), TIMES)
def test_the_next_deadline_is_the_least_and_expiry_goes_in_order(at: tuple[float, float, float], now: float) -> None:
    timers = Timers(Name)
    for name, when in zip(Name, at, strict=True):
        timers.set(name, when)
    assert timers.next() == min(at)
    assert [timers.at(name) for name in Name] == list(at)
    due = [name for name in Name if timers.at(name) <= now]
    assert timers.expired(now) == (due[0] if due else None)


def test_a_new_table_has_no_deadline() -> None:
    timers = Timers(Name)
    assert timers.next() == math.inf
    assert timers.expired(1e300) is None


def test_only_a_deadline_that_is_set_is_extended() -> None:
    timers = Timers(Name)
    timers.set(Name.SECOND, 5.0)
    for name in Name:
        timers.extend(name, 2.0)
    assert [timers.at(name) for name in Name] == [math.inf, 7.0, math.inf]


def test_cleared_deadlines_are_gone() -> None:
    timers = Timers(Name)
    for name in Name:
        timers.set(name, 1.0)
    timers.clear(Name.FIRST)
    assert [timers.at(name) for name in Name] == [math.inf, 1.0, 1.0]
    timers.clear_all()
    assert timers.next() == math.inf
