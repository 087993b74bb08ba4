"""What happens when, on the one clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing.world import Schedule


def test_a_moment_is_reached_exactly():
    schedule = Schedule(5.0)
    seen: list[float] = []
    schedule.call_in(1.5, lambda: seen.append(schedule.now))
    schedule.run(6.0)
    assert (seen, schedule.now) == ([], 6.0)
    schedule.run(6.5)
    assert (seen, schedule.now) == ([6.5], 6.5)


@given(st.lists(st.integers(0, 5)))
def test_time_comes_first_and_then_the_order_of_making(times: list[int]):
    schedule, seen = Schedule(), list[tuple[int, int]]()
    for number, at in enumerate(times):
        schedule.call_at(at, lambda entry=(at, number): seen.append(entry))
    schedule.run(5)
    assert seen == sorted((at, number) for number, at in enumerate(times))


def test_the_past_is_now_and_comes_behind_what_is_due():
    schedule, seen = Schedule(10.0), list[str]()
    schedule.call_at(10.0, lambda: seen.append("now"))
    late = schedule.call_at(3.0, lambda: seen.append("late"))
    schedule.run(10.0)
    assert late.at == 10.0
    assert seen == ["now", "late"]


def test_a_cancelled_appointment_does_not_happen():
    schedule, seen = Schedule(), list[str]()
    first = schedule.call_at(1.0, lambda: second.cancel())
    second = schedule.call_at(1.0, lambda: seen.append("second"))
    schedule.call_at(1.0, lambda: seen.append("third"))
    schedule.run(2.0)
    first.cancel()  # too late, and harmless
    assert seen == ["third"]


def test_an_appointment_can_make_another_for_the_same_run():
    schedule, seen = Schedule(), list[float]()

    def again() -> None:
        seen.append(schedule.now)
        schedule.call_in(1.0, again)

    again()
    schedule.run(3.0)
    assert seen == [0.0, 1.0, 2.0, 3.0]


def test_stop_is_asked_after_each_and_what_is_left_goes_on_later():
    schedule, seen = Schedule(), list[int]()
    for number in range(4):
        schedule.call_at(float(number), lambda number=number: seen.append(number))
    schedule.run(10.0, stop=lambda: len(seen) == 2)
    assert (seen, schedule.now) == ([0, 1], 1.0)
    schedule.run(10.0)
    assert (seen, schedule.now) == ([0, 1, 2, 3], 10.0)


def test_time_never_runs_backwards():
    schedule = Schedule(10.0)
    schedule.run(3.0)
    assert schedule.now == 10.0
