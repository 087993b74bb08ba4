"""Endpoints made afresh for every dial, by a function of the user's that may be slow, fail, or never return."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lattice import times
from helpers.peer import Manners
from helpers.world import World
from holdfast import (
    Backoff,
    Cause,
    Connected,
    ConnectFailed,
    Connecting,
    DialWindow,
    Endpoint,
    Failure,
    FeedOptions,
    GiveUp,
    LocalProtocolError,
    Retry,
    RetryScheduled,
    Timeouts,
)
from holdfast.commands import Connect, Disconnect, EndJob, MakeEndpoint
from holdfast.testing.world import sleep

GOOD = Manners()
REFUSED = Manners(dial_failure=Failure(Cause.REFUSED))
STALE_KEY = Manners(status=401)


class Maker:
    """Makes ws://made/1, /2, ... `does`: what it does in each call in turn, the last in all further ones."""

    __name__ = "listen_key"

    def __init__(self, *does: Callable[[], Awaitable[object]] | Exception | object) -> None:
        self.calls = 0
        self.returned = 0
        self._does = does or (None,)

    async def __call__(self) -> str:
        self.calls += 1
        number = self.calls
        does = self._does[min(number, len(self._does)) - 1]
        if isinstance(does, Exception):
            raise does
        if callable(does):
            await does()
        self.returned += 1
        return f"ws://made/{number}?token=hunter2"


def slow(seconds: float) -> Callable[[], Awaitable[object]]:
    return lambda: sleep(seconds)


def targets(world: World) -> list[str]:
    return [endpoint.target for _, endpoint in world.dials]


def test_it_is_called_before_every_dial() -> None:
    maker = Maker()
    world = World(manners=[REFUSED, Manners(on_open=lambda peer: peer.hang_up()), GOOD], source=maker).start().run(10)
    assert [target.partition("?")[0] for target in targets(world)] == ["/1", "/2", "/3"]
    assert [event.url for event in world.events(Connecting)] == ["listen_key()"] * 3
    assert [event.url for event in world.events(Connected)] == [f"ws://made/{n}?token=***" for n in (2, 3)]
    assert world.attempts == [1, 2, 3]
    assert world.fleet.stats(world.now).dials == 3


@given(times(0, 6), times(0, 6), times(0.25, 6))
def test_making_the_endpoint_is_a_part_of_the_dial(making: float, dialling: float, limit: float) -> None:
    options: FeedOptions = {"timeouts": Timeouts(connect=limit)}
    world = World(options, Manners(dial_delay=dialling), source=Maker(slow(making))).start()
    world.run(limit)
    if making + dialling <= limit:
        assert world.events(Connected)[0].took == making + dialling
    else:
        (failed,) = world.events(ConnectFailed)
        assert (failed.failure.cause, failed.at) == (Cause.DIAL_TIMEOUT, 1000 + limit)


def test_one_that_never_returns_is_ended_and_called_again() -> None:
    maker = Maker(slow(1e9), None)
    world = World({"timeouts": Timeouts(connect=3)}, source=maker).start().run(2.75)
    assert world.jobs == {1}
    world.run(0.25)
    assert world.jobs == set()
    assert [type(command) for _, command in world.commands] == [MakeEndpoint, EndJob]
    world.run_until(lambda: world.fleet.is_open, within=1)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled", "Connecting", "Connected"]
    assert (maker.calls, maker.returned) == (2, 1)


def test_one_that_raises_is_a_failed_dial() -> None:
    world = World(source=Maker(ValueError("no token today"), None)).open()
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled", "Connecting", "Connected"]
    failure = world.events(ConnectFailed)[0].failure
    assert failure.cause is Cause.ENDPOINT
    assert "ValueError: no token today" in failure.detail
    assert "test_made_endpoints.py" in failure.detail
    assert world.events(RetryScheduled)[0].failure is failure
    assert EndJob(1) not in [command for _, command in world.commands]


@pytest.mark.parametrize("made", [None, 5, b"ws://made/", ["ws://made/"], "http://made/", "nonsense"])
def test_what_is_no_endpoint_is_a_failed_dial(made: object) -> None:
    async def maker() -> object:
        return made

    world = World(source=maker).start().run(20)  # type: ignore[arg-type]
    assert not world.dials
    assert {event.failure.cause for event in world.events(ConnectFailed)} == {Cause.ENDPOINT}
    assert world.fleet.ended is None


def test_a_function_that_is_not_async_is_told_so() -> None:
    world = World(source=lambda: "ws://made/?token=hunter2").start().run(0)  # type: ignore[arg-type,return-value]
    detail = world.events(ConnectFailed)[0].failure.detail
    assert "async def" in detail
    assert "hunter2" not in detail


@pytest.mark.parametrize("places", [1, 2])
def test_to_raise_give_up_ends_the_feed_at_once(places: int) -> None:
    world = World(source=[Maker(GiveUp("we were banned")), "ws://other/"][:places]).start().run(100)
    assert world.kinds == ["Connecting", "ConnectFailed", "Closed"]
    assert world.ended.failure == Failure(Cause.ENDPOINT, "we were banned", final=True)
    assert world.fleet.is_closed


def test_a_give_up_in_a_group_is_one_too() -> None:
    group = ExceptionGroup("unhandled errors", [ExceptionGroup("inside", [GiveUp("we were banned")])])
    world = World(source=Maker(group)).start().run(100)
    assert world.ended.failure == Failure(Cause.ENDPOINT, "we were banned", final=True)


# A refusal may be the fault of what was made, and the next is another


@pytest.mark.parametrize(
    "bad",
    [
        *(Manners(status=status) for status in (400, 401, 403, 404, 410)),
        Manners(dial_failure=Failure(Cause.CERTIFICATE)),
        Manners(status=302),
    ],
)
def test_what_would_end_a_feed_with_a_fixed_url_is_tried_again_with_a_fresh_one(bad: Manners) -> None:
    world = World(manners=[bad, bad, GOOD], source=Maker()).start().run(10)
    assert world.fleet.is_open
    assert world.attempts == [1, 2, 3]


def test_but_not_for_ever() -> None:
    world = World({"retry": Retry(max_policy_closes=3)}, STALE_KEY, source=Maker()).start().run(100)
    assert len(world.dials) == 3
    assert world.ended.failure is not None
    assert world.ended.failure.status == 401
    assert "credentials" in world.ended.reason
    assert "Retry.max_policy_closes is 3" in world.ended.reason


def test_it_counts_together_with_closes_that_blame_us() -> None:
    policy = Manners(on_open=lambda peer: peer.say_close(4001))
    manners = [STALE_KEY, policy, REFUSED, STALE_KEY, GOOD]
    world = World({"retry": Retry(max_policy_closes=3)}, manners, source=Maker()).start().run(100)
    assert len(world.dials) == 4
    assert world.fleet.is_closed


def test_a_fixed_url_beside_it_is_still_struck_out_at_once() -> None:
    manners = [STALE_KEY, STALE_KEY, STALE_KEY, GOOD]
    world = World(manners=manners, source=["ws://fixed/", Maker()]).start().run(30)
    assert [endpoint.host for _, endpoint in world.dials] == ["fixed", "made", "made", "made"]


# Redirects


def test_a_redirect_is_followed_without_another_call() -> None:
    leading = Manners(status=307, headers={"Location": "ws://elsewhere/b"})
    maker = Maker()
    world = World(manners=[leading, Manners(on_open=lambda peer: peer.hang_up()), GOOD], source=maker).start().run(5)
    assert [endpoint.host for _, endpoint in world.dials] == ["made", "elsewhere", "made"]
    assert maker.calls == 2
    assert world.attempts == [1, 1, 2]


def test_redirects_are_counted_from_each_made_endpoint() -> None:
    again = Manners(status=307, headers={"Location": "/again"})
    options: FeedOptions = {"retry": Retry(max_redirects=2, max_policy_closes=2)}
    world = World(options, again, source=Maker()).start().run(30)
    assert len(world.dials) == 6
    assert "more than 2 redirects" in world.ended.reason


# The window of dials


def test_dials_of_made_endpoints_keep_the_window_of_their_host() -> None:
    options: FeedOptions = {"dial_window": DialWindow(3, 60), "backoff": Backoff(1, 1, 1, 0)}
    maker = Maker()
    world = World(options, REFUSED, source=maker).start().run(200)
    at = [at for at, _ in world.dials]
    assert len(at) == 12
    assert all(later - earlier >= 60 for earlier, later in zip(at, at[3:], strict=False))
    assert maker.calls <= len(at) + 4, "one call finds the window full; the next is dialled"


def test_what_is_not_dialled_is_no_attempt() -> None:
    options: FeedOptions = {"dial_window": DialWindow(1, 50), "retry": Retry(max_attempts=3)}
    world = World(options, REFUSED, source=Maker()).start().run(300)
    assert [at for at, _ in world.dials] == [1000, 1050, 1100]
    assert world.attempts == [1, 2, 2, 3, 3]
    assert world.fleet.stats(world.now).dials == 3
    waits = [event for event in world.events(RetryScheduled) if event.failure.cause is Cause.DIAL_WINDOW]
    assert [event.attempt for event in waits] == [2, 3]
    assert "1 dials in 50 s to made" in str(waits[0].failure)
    assert "max_attempts" in world.ended.reason


def test_the_window_is_that_of_the_host_whoever_names_it() -> None:
    options: FeedOptions = {"dial_window": DialWindow(1, 50)}
    world = World(options, REFUSED, source=["ws://made/fixed", Maker()]).start().run(49)
    assert targets(world) == ["/fixed"]


@given(times(0, 3), st.integers(1, 3), times(1, 20))
def test_a_full_window_does_not_mean_a_storm_of_calls(making: float, count: int, period: float) -> None:
    calls: list[float] = []

    async def maker() -> str:
        calls.append(world.now)
        await sleep(making)
        return "ws://made/"

    options: FeedOptions = {"dial_window": DialWindow(count, period), "backoff": Backoff(0.25, 1, 0.25, 0)}
    world = World(options, REFUSED, source=maker).start().run(100)
    assert len(calls) <= 2 * len(world.dials) + 1
    assert all(later > earlier for earlier, later in pairwise(calls))
    at = [at for at, _ in world.dials]
    assert all(later - earlier >= period for earlier, later in zip(at, at[count:], strict=False))


# Closing, stalls, and answers that come too late


@pytest.mark.parametrize("wait", [0.0, 1.0])
def test_closing_ends_it(wait: float) -> None:
    maker = Maker(slow(5))
    world = World(source=maker).start().run(wait)
    world.close()
    assert world.fleet.is_closed
    assert world.kinds == ["Connecting", "Closed"]
    assert world.jobs == set()
    world.run(100)
    assert (maker.returned, world.dials) == (0, [])


def test_closing_while_the_window_is_full_ends_it() -> None:
    maker = Maker()
    world = World({"dial_window": DialWindow(1, 50)}, REFUSED, source=maker).start().run(10)
    assert maker.calls == 2
    world.close()
    assert world.fleet.is_closed
    world.run(100)
    assert maker.calls == 2


def test_a_function_that_blocks_the_process_is_not_cut_short() -> None:
    """It was we who did not run: the rest of the dial has its whole time."""

    async def maker() -> str:
        world.stall(30)
        await sleep(0.25)
        return "ws://made/"

    world = World({"timeouts": Timeouts(connect=3)}, Manners(dial_delay=1.75), source=maker)
    world.start().run(40)
    assert world.fleet.is_open
    assert world.events(ConnectFailed) == []


def made(conn: int = 1) -> Callable[[World], None]:
    return lambda world: world.give(lambda fleet, now: fleet.endpoint_made(conn, Endpoint("ws://late/"), now))


def test_an_answer_for_a_connection_that_is_gone_is_inert() -> None:
    world = World({"timeouts": Timeouts(connect=3)}, source=Maker(slow(1e9))).start().run(3.5)
    made()(world)
    world.give(lambda fleet, now: fleet.connect_failed(1, Failure(Cause.ENDPOINT), now))
    assert world.dials == []
    assert len(world.events(ConnectFailed)) == 1


@pytest.mark.parametrize("window", [DialWindow(), DialWindow(1, 1000)])
def test_an_answer_that_nobody_asked_for_changes_nothing(window: DialWindow) -> None:
    """Even where the window to that host is full."""
    world = World({"dial_window": window}, source="ws://late/").open()
    with pytest.raises(LocalProtocolError, match="once"):
        made()(world)
    assert world.fleet.is_open
    assert not any(isinstance(command, Disconnect) for _, command in world.commands)
    assert world.fleet.stats(world.now).dials == 1


def test_the_number_of_the_dial_is_that_of_its_making() -> None:
    world = World(source=Maker()).open()
    assert [(type(command), command.conn) for _, command in world.commands[:2]] == [(MakeEndpoint, 1), (Connect, 1)]
