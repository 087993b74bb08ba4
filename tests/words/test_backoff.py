"""The pause before the next dial: its bounds, for years of failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Backoff


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    initial = draw(st.floats(0.001, 100))
    return Backoff(
        initial=initial,
        factor=draw(st.one_of(st.sampled_from([1, 1.0, 2, 2.0, 1.0000001]), st.floats(1, 100))),
        maximum=initial * draw(st.floats(1, 1e6)),
        jitter=draw(st.one_of(st.sampled_from([0, 1]), st.floats(0, 1))),
    )


FAILURES = st.one_of(st.integers(1, 50), st.sampled_from([1023, 1024, 1025, 10**6, 10**18]))
DRAWS = st.floats(0, 1, exclude_max=True)


@given(backoffs(), FAILURES, DRAWS)
def test_a_pause_keeps_its_bounds(backoff: Backoff, failures: int, draw: float) -> None:
    pause = backoff.pause(failures, draw)
    assert 0 <= pause <= backoff.maximum
    assert pause >= min(backoff.initial, backoff.maximum) * (1 - backoff.jitter) * 0.999999


@given(backoffs(), FAILURES, DRAWS)
def test_jitter_is_drawn_downward_from_the_full_pause(backoff: Backoff, failures: int, draw: float) -> None:
    full = backoff.pause(failures, 0.0)
    assert full * (1 - backoff.jitter) * 0.999999 <= backoff.pause(failures, draw) <= full


@given(backoffs(), st.integers(1, 2000))
def test_pauses_never_get_shorter(backoff: Backoff, failures: int) -> None:
    assert backoff.pause(failures, 0.0) <= backoff.pause(failures + 1, 0.0)


@given(backoffs())
def test_the_first_pause_is_the_initial_one_and_the_last_the_maximum(backoff: Backoff) -> None:
    assert backoff.pause(1, 0.0) == pytest.approx(backoff.initial)
    if backoff.factor > 1.001:
        assert backoff.pause(10**6, 0.0) == pytest.approx(backoff.maximum)


def test_the_documented_series() -> None:
    backoff = Backoff(initial=0.5, factor=2, maximum=30, jitter=0)
    assert [backoff.pause(failures, 0.5) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("backoff", [Backoff(initial=0.001, maximum=1e300), Backoff(factor=1e308)])
def test_no_accepted_setting_overflows(backoff: Backoff) -> None:
    assert 0 <= backoff.pause(5000, 0.5) <= backoff.maximum
