"""What is measured along the way of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Histogram
from holdfast.supervisor.meters import INTERVAL, INTERVALS, Buckets, Pace, StreamTally, Uptime

ARRIVALS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=60)  # quarters, messages


class Paced:
    """As a supervisor uses it."""

    def __init__(self) -> None:
        self.pace, self.stream = Pace(), StreamTally()
        self.messages = 0
        self.came: list[tuple[float, int]] = []

    def put(self, messages: int, now: float) -> None:
        if now >= self.pace.next_at:
            self.pace.note(self.messages, 10 * self.messages, now)
            self.stream.note(self.messages, now)
        self.messages += messages
        self.came.append((now, messages))

    def between(self, since: float, until: float) -> int:
        return sum(messages for at, messages in self.came if since <= at < until)


@given(arrivals=ARRIVALS, rest=st.integers(0, 1600))
def test_each_interval_tells_what_came_in_it(arrivals: list[tuple[int, int]], rest: int) -> None:
    paced, now = Paced(), 1000.0
    for pause, messages in arrivals:
        now += pause / 4
        paced.put(messages, now)
    now += rest / 4
    history = paced.pace.history(paced.messages, now)
    end = now // INTERVAL * INTERVAL
    whole = int((end - paced.came[0][0] // INTERVAL * INTERVAL) / INTERVAL)
    assert len(history) == min(whole, INTERVALS)
    for age, rate in enumerate(reversed(history)):
        until = end - age * INTERVAL
        assert rate == paced.between(until - INTERVAL, until) / INTERVAL


@given(arrivals=ARRIVALS, rest=st.integers(0, 100))
def test_a_rate_is_that_of_the_latest_seconds(arrivals: list[tuple[int, int]], rest: int) -> None:
    paced, now = Paced(), 1000.0
    for pause, messages in arrivals:
        now += pause / 4
        paced.put(messages, now)
    now += rest / 4
    since = (now // INTERVAL - 1) * INTERVAL
    came = paced.between(since, now + 1)
    rate, byte_rate = paced.pace.rates(paced.messages, 10 * paced.messages, now)
    assert rate == pytest.approx(came / max(now - max(since, paced.came[0][0]), 1.0))
    assert byte_rate == pytest.approx(10 * rate)
    assert paced.stream.rate(paced.messages, now) == pytest.approx(came / max(now - since, INTERVAL))


def test_nothing_came_yet() -> None:
    assert Pace().history(0, 1000.0) == ()
    assert Pace().rates(0, 0, 1000.0) == (0.0, 0.0)
    assert StreamTally().rate(0, 1000.0) == 0.0


def test_buckets_are_filled_up_to_their_bounds() -> None:
    buckets = Buckets((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.0, 2.1, 9.0, 9.0):
        buckets.add(seconds)
    assert buckets.read == Histogram((1.0, 2.0), (2, 2, 3), 25.1)
    assert buckets.read.count == 7
    more = Buckets((1.0, 2.0))
    more.add(1.5)
    more.merge(buckets)
    assert more.read == Histogram((1.0, 2.0), (2, 3, 3), pytest.approx(26.6))


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0), (8, 1, 1))
    shares = (0.0, 0.5, 0.8, 0.9, 0.99, 1.0)
    assert [histogram.quantile(share) for share in shares] == [1.0, 1.0, 1.0, 2.0, float("inf"), float("inf")]
    assert Histogram((1.0,), (0, 0)).quantile(0.5) is None


def test_histograms_together() -> None:
    one = Histogram((1.0,), (1, 2), 5.0)
    assert Histogram.sum_of((1.0,), [one, one]) == Histogram((1.0,), (2, 4), 10.0)
    assert Histogram.sum_of((1.0,), []) == Histogram((1.0,), (0, 0), 0.0)


def test_open_is_whoever_has_any_connection() -> None:
    uptime = Uptime()
    assert uptime.read(5.0) == (0.0, 0.0)
    uptime.started(10.0)
    uptime.opened(1, 12.0)
    uptime.opened(2, 13.0)
    uptime.gone(1, 14.0)
    uptime.gone(1, 14.0)
    assert uptime.read(15.0) == (5.0, 3.0)
    uptime.gone(2, 16.0)
    assert uptime.read(20.0) == (10.0, 4.0)
    assert uptime.connected_at == 13.0
    uptime.opened(3, 21.0)
    uptime.ended(23.0)
    assert uptime.read(50.0) == (13.0, 6.0)
