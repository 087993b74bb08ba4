"""It comes back, and it never storms: backoff, health, the window of dials."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from helpers.lattice import times
from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import (
    Backoff,
    Cause,
    Connected,
    Connecting,
    DialWindow,
    Failure,
    FeedOptions,
    Retry,
    RetryScheduled,
    Staleness,
    Timeouts,
)
from holdfast.window import RollingWindow

REFUSED = Manners(dial_failure=Failure(Cause.REFUSED))
HOUR = 3600.0
ROUNDING = 1e-6  # seconds; jitter leaves the lattice

BAD = st.sampled_from(
    [
        REFUSED,
        Manners(never_dials=True),
        Manners(never_answers=True),
        Manners(status=503),
        Manners(status=429, headers={"Retry-After": "1"}),
        Manners(on_open=lambda peer: peer.hang_up()),
        Manners(on_open=lambda peer: peer.say_close(1011)),
        Manners(on_open=lambda peer: peer.send("one message, then nothing")),
        Manners(dial_failure=Failure(Cause.DNS), dial_delay=2.0),
    ]
)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    initial = draw(times(0.25, 2))
    jitter = draw(st.sampled_from([0.0, 0.5, 1.0]))
    return Backoff(initial, draw(st.sampled_from([1.0, 1.5, 2.0])), initial * draw(st.integers(1, 16)), jitter)


@given(st.lists(BAD, max_size=6), backoffs(), times(1, 6), times(0, 0.75), st.integers(0, 9))
def test_when_the_network_is_good_the_feed_is_soon_open(
    bad: list[Manners], backoff: Backoff, connect: float, slow: float, seed: int
) -> None:
    options: FeedOptions = {
        "backoff": backoff,
        "timeouts": Timeouts(connect=connect),
        "staleness": Staleness(after=3, reconnect=True),
    }
    world = World(options, [*bad, Manners(dial_delay=slow)], seed=seed).start()
    world.run_until(lambda: len(world.dials) > len(bad) or (bad and len(world.dials) == len(bad)), within=1000)
    # The last bad connection has this long to be found out; then the promise counts.
    world.run(max(connect, 3) + 1)
    world.run_until(lambda: world.fleet.is_open, within=backoff.maximum + connect)


@given(backoffs(), st.integers(0, 9), st.sampled_from(["hang up", "close", "greet and close"]))
def test_an_accept_then_close_server_gets_a_bounded_number_of_dials(backoff: Backoff, seed: int, way: str) -> None:
    def part(peer: Peer) -> None:
        if way == "greet and close":
            peer.send("welcome")
        if way == "hang up":
            peer.hang_up()
        else:
            peer.say_close(1000)

    world = World({"backoff": backoff, "dial_window": DialWindow(10, 60)}, Manners(on_open=part), seed=seed).start()
    world.run(150)
    at = [at for at, _ in world.dials]
    for failures, (before, after) in enumerate(pairwise(at), start=1):
        assert after - before >= backoff.pause(failures, 1.0) - ROUNDING
    assert max_in_any(at, 60) <= 10
    assert world.attempts == list(range(1, len(at) + 1))


def greet_and_leave_after(seconds: float) -> Callable[[Peer], None]:
    def live(peer: Peer) -> None:
        peer.send("welcome")
        peer.world.later(seconds, peer.hang_up)

    return live


def max_in_any(times: list[float], period: float) -> int:
    """The most happenings in any window (t - period, t]."""
    return max(bisect_right(times, last) - bisect_right(times, last - period + ROUNDING) for last in times)


def test_an_hour_of_accept_then_close_with_the_default_settings() -> None:
    world = World({"backoff": Backoff()}, Manners(on_open=lambda peer: peer.say_close())).start()
    world.run(HOUR)
    # The pauses reach 30 s, of which jitter takes half at most.
    assert 100 < len(world.dials) < HOUR / 15 + 10


@given(times(0.5, 8), st.booleans())
def test_only_health_starts_the_backoff_anew(open_for: float, data: bool) -> None:
    """Data for 4 s is healthy here; open alone is not, nor is data for less."""

    def behave(peer: Peer) -> None:
        if data:
            peer.send("data")
            peer.world.later(open_for, lambda: peer.send("data"))
        peer.world.later(open_for, lambda: peer.hang_up())

    world = World(
        {"retry": Retry(stable_after=4)}, [REFUSED, REFUSED, REFUSED, Manners(on_open=behave), REFUSED]
    ).start()
    world.run(7 + open_for)
    healthy = data and open_for >= 4
    assert world.events(RetryScheduled)[-1].delay == (1 if healthy else 8)
    assert world.events(RetryScheduled)[-1].attempt == (1 if healthy else 5)


def test_health_counts_from_the_first_data_and_not_from_the_opening() -> None:
    def late(peer: Peer) -> None:
        peer.world.later(10, lambda: peer.send("first data"))
        peer.world.later(13, lambda: peer.hang_up())

    world = World({"retry": Retry(stable_after=4)}, [REFUSED, Manners(on_open=late), REFUSED]).start()
    world.run(15)
    assert world.events(RetryScheduled)[-1].delay == 2


def test_health_is_noticed_although_the_first_data_came_late() -> None:
    def late(peer: Peer) -> None:
        peer.world.later(10, lambda: peer.send("first data"))
        peer.world.later(14, lambda: peer.send("more"))
        peer.world.later(15, lambda: peer.hang_up())

    world = World({"retry": Retry(stable_after=4)}, [REFUSED, Manners(on_open=late), REFUSED]).start()
    world.run(16)
    assert [event.delay for event in world.events(RetryScheduled)] == [1, 1]


def test_the_data_of_an_earlier_connection_proves_nothing() -> None:
    """The second connection is silent: what flowed on the first must not make it healthy."""
    chatty = Manners(on_open=greet_and_leave_after(3))
    silent = Manners(on_open=lambda peer: peer.world.later(20, peer.hang_up))
    world = World({"retry": Retry(stable_after=4)}, [chatty, silent, REFUSED]).start()
    world.run(26)
    assert [event.delay for event in world.events(RetryScheduled)][:2] == [1, 2]


def test_a_stall_is_no_part_of_health() -> None:
    """While we did not look, nothing was proven."""
    chatty = Manners(on_open=lambda peer: peer.send("data"))
    world = World({"retry": Retry(stable_after=4), "stall_after": 0.25}, [REFUSED, chatty, REFUSED]).start()
    world.run(2)
    world.oversleep(10)
    world.run(1)
    world.peer.send("more")
    world.peer.hang_up()
    world.run(0)
    assert [event.delay for event in world.events(RetryScheduled)] == [1, 2]


def test_pongs_do_not_make_a_connection_healthy() -> None:
    from holdfast import Keepalive

    silent = Manners(on_open=lambda peer: peer.world.later(20, peer.hang_up))
    options: FeedOptions = {"retry": Retry(stable_after=4), "keepalive": Keepalive(1, 1)}
    world = World(options, [REFUSED, silent, REFUSED]).start()
    world.run(22)
    assert world.events(RetryScheduled)[-1].delay == 2


def test_one_greeting_and_silence_is_no_health() -> None:
    """Welcomed, then silent, then thrown out, over and over: the backoff never grows."""
    world = World({"retry": Retry(stable_after=4)}, Manners(on_open=greet_and_leave_after(5))).start()
    world.run(60)
    assert [event.delay for event in world.events(RetryScheduled)][:3] == [1, 2, 4]


def test_jitter_is_drawn_from_the_random_source() -> None:
    def delays(seed: int) -> list[float]:
        world = World({"backoff": Backoff(1, 2, 8, jitter=0.5)}, REFUSED, seed=seed).start()
        world.run(50)
        return [event.delay for event in world.events(RetryScheduled)]

    assert delays(1) == delays(1)
    assert delays(1) != delays(2)
    assert len(set(delays(1)[4:])) > 3


# The window


@given(st.integers(1, 5), times(1, 20), times(0.25, 2))
def test_dials_keep_to_the_window_and_use_it(count: int, period: float, pause: float) -> None:
    world = World({"dial_window": DialWindow(count, period), "backoff": Backoff(pause, 1, pause, 0)}, REFUSED).start()
    world.run(5 * period)
    at = [at for at, _ in world.dials]
    assert max_in_any(at, period) <= count
    assert len(at) >= min(4 * count, 3 * period / pause)


def test_a_full_window_is_told() -> None:
    world = World({"dial_window": DialWindow(1, 50)}, [REFUSED, Manners()]).start()
    world.run(60)
    refused, full = world.events(RetryScheduled)
    assert (refused.delay, refused.failure.cause) == (1, Cause.REFUSED)
    assert (full.delay, full.failure.cause) == (49, Cause.DIAL_WINDOW)
    assert "example.com" in str(full.failure)
    assert world.events(Connected)[0].at == 1050


def test_every_host_has_its_own_window() -> None:
    leading = Manners(status=302, headers={"Location": "ws://other/"})
    world = World({"dial_window": DialWindow(1, 50)}, [leading, Manners()]).open()
    assert [at for at, _ in world.dials] == [1000, 1000]


@given(st.integers(1, 4), times(0.25, 3), st.lists(times(0, 2), max_size=30))
def test_a_rolling_window_is_strict(count: int, period: float, pauses: list[float]) -> None:
    window, now, at = RollingWindow(count, period), 0.0, list[float]()
    for pause in pauses:
        now += pause
        free = window.free_at(now)
        assert free >= now
        if free > now:
            assert len([one for one in at if one > now - period]) == count, "held up without need"
            now = free
            assert window.free_at(now) == now
        window.note(now)
        at.append(now)
    if at:
        assert max_in_any(at, period) <= count


def test_the_dial_comes_when_it_was_announced() -> None:
    world = World({"backoff": Backoff(1, 2, 16, 0.5)}, REFUSED, seed=3).start()
    world.run(100)
    announced = [event.at + event.delay for event in world.events(RetryScheduled)]
    dialled = [event.at for event in world.events(Connecting)][1:]
    assert announced[: len(dialled)] == dialled
