"""Several places to dial: which comes next, which is struck out, and when there is none left."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import Backoff, Cause, Connected, Endpoint, Failure, Retry, RetryScheduled, Staleness, Timeouts

A, B, C = "ws://a/", "ws://b/", "ws://c/"
GOOD = Manners()
REFUSED = Manners(dial_failure=Failure(Cause.REFUSED))
NO_CERTIFICATE = Manners(dial_failure=Failure(Cause.CERTIFICATE))
GONE = Manners(status=404)
POLICY = Manners(on_open=lambda peer: peer.say_close(1008))


def leaves_after(seconds: float) -> Manners:
    """Data now and then; and the connection ends."""

    def live(peer: Peer) -> None:
        peer.send("data")
        peer.world.later(seconds, lambda: peer.send("data"))
        peer.world.later(seconds, peer.hang_up)

    return Manners(on_open=live)


def hosts(world: World) -> str:
    return "".join(endpoint.host for _, endpoint in world.dials)


def test_the_preferred_place_comes_first() -> None:
    assert hosts(World(source=[A, B, C]).open()) == "a"


def test_after_a_failure_comes_the_next_and_after_the_last_the_first() -> None:
    world = World(manners=REFUSED, source=[A, B, C]).start().run(40)
    assert hosts(world)[:7] == "abcabca"
    assert [event.delay for event in world.events(RetryScheduled)][:5] == [1, 2, 4, 8, 8]


def test_a_connection_that_did_not_live_long_enough_is_a_failure_of_its_place() -> None:
    world = World({"retry": Retry(stable_after=5)}, leaves_after(4), source=[A, B]).start().run(30)
    assert hosts(world).startswith("abab")


def test_after_a_healthy_connection_the_preferred_place_comes_first_again() -> None:
    manners = [REFUSED, REFUSED, leaves_after(6), GOOD]
    world = World({"retry": Retry(stable_after=5)}, manners, source=[A, B, C]).start().run(20)
    assert hosts(world) == "abca"
    assert world.attempts == [1, 2, 3, 1]


def test_silence_leads_to_the_next_place() -> None:
    world = World({"staleness": Staleness(after=5, reconnect=True)}, source=[A, B]).start().run(7)
    assert hosts(world) == "ab"


def test_a_dial_that_hangs_leads_to_the_next_place() -> None:
    world = World({"timeouts": Timeouts(connect=3)}, [Manners(never_dials=True), GOOD], source=[A, B]).start().run(4)
    assert [(at, endpoint.host) for at, endpoint in world.dials] == [(1000, "a"), (1004, "b")]


def test_what_no_retry_mends_strikes_out_its_place_alone() -> None:
    world = World(manners=[GONE, REFUSED], source=[A, B]).start().run(40)
    assert hosts(world)[:5] == "abbbb"
    assert world.fleet.ended is None


def dials_of_a(world: World) -> list[int]:
    """Which of all dials went there."""
    return [number for number, (_, endpoint) in enumerate(world.dials) if endpoint.host == "a"]


def test_a_place_that_was_struck_out_is_tried_again_while_the_others_stay_shut() -> None:
    struck_out = [POLICY, REFUSED, POLICY]
    shut = World({"retry": Retry(max_policy_closes=2)}, [*struck_out, REFUSED], source=[A, B]).start().run(620)
    first, second, again = dials_of_a(shut)
    assert (first, second) == (0, 2)
    assert 600 <= shut.dials[again][0] - shut.dials[second][0] <= 616
    manners = [*struck_out, *[REFUSED] * (again - 3), GOOD]
    world = World({"retry": Retry(max_policy_closes=2)}, manners, source=[A, B]).start().run(620)
    assert world.fleet.is_open
    assert world.dials[-1][1].host == "a"


def test_what_is_tried_again_in_vain_is_struck_out_for_as_long_again() -> None:
    trial = World({}, [GONE, REFUSED], source=[A, B]).start().run(620)
    _, again = dials_of_a(trial)
    world = World({}, [GONE, *[REFUSED] * (again - 1), GONE, REFUSED], source=[A, B]).start().run(1230)
    times = [world.dials[number][0] for number in dials_of_a(world)]
    assert all(600 <= later - earlier <= 616 for earlier, later in pairwise(times))
    assert len(times) == 3
    assert world.fleet.ended is None


def test_it_gives_up_when_no_place_is_left() -> None:
    manners = [GONE, REFUSED, NO_CERTIFICATE, Manners(status=401)]
    world = World(manners=manners, source=[A, B, C]).start().run(100)
    assert hosts(world) == "abcb"
    assert world.ended.failure is not None
    assert world.ended.failure.status == 401
    assert "credentials" in world.ended.reason
    assert world.fleet.is_closed


def test_a_healthy_connection_gives_every_place_another_chance() -> None:
    manners = [GONE, leaves_after(6), GONE, leaves_after(6), GOOD]
    world = World({"retry": Retry(stable_after=5)}, manners, source=[A, B]).start().run(30)
    assert hosts(world) == "ababa"


def test_a_connection_that_was_not_healthy_gives_no_other_chance() -> None:
    manners = [GONE, leaves_after(2), leaves_after(2), GOOD]
    world = World({"retry": Retry(stable_after=5)}, manners, source=[A, B]).start().run(30)
    assert hosts(world) == "abbb"


def test_closes_that_blame_us_are_counted_for_each_place() -> None:
    """One that is misconfigured must not end a feed whose other place is only down for a while."""
    retry = Retry(max_policy_closes=2)
    world = World({"retry": retry}, [POLICY, REFUSED, POLICY, REFUSED, REFUSED, GOOD], source=[A, B]).start().run(60)
    assert hosts(world) == "ababbb"
    assert world.fleet.is_open


def test_closes_that_blame_us_end_the_feed_when_they_repeat_everywhere() -> None:
    world = World({"retry": Retry(max_policy_closes=2)}, POLICY, source=[A, B]).start().run(60)
    assert hosts(world) == "abab"
    assert "max_policy_closes is 2" in world.ended.reason


def test_attempts_are_counted_over_all_places() -> None:
    world = World({"retry": Retry(max_attempts=3)}, REFUSED, source=[A, B]).start().run(60)
    assert hosts(world) == "aba"
    assert "max_attempts" in world.ended.reason


def slow_down(seconds: int) -> Manners:
    return Manners(status=429, headers={"Retry-After": str(seconds)})


def test_one_server_that_asks_to_wait_does_not_hold_up_the_others() -> None:
    world = World(manners=[slow_down(60), GOOD], source=[A, B]).start().run(10)
    assert [(at, endpoint.host) for at, endpoint in world.dials] == [(1000, "a"), (1001, "b")]


def test_a_server_that_asked_to_wait_is_left_alone_for_so_long() -> None:
    world = World(manners=[slow_down(20), REFUSED], source=[A, B]).start().run(60)
    at_a = [at for at, endpoint in world.dials if endpoint.host == "a"]
    assert at_a[0] == 1000
    assert at_a[1] >= 1020
    assert hosts(world).startswith("abbb")


def test_where_all_ask_to_wait_the_shortest_time_counts() -> None:
    world = World(manners=[slow_down(60), slow_down(10), GOOD], source=[A, B]).start().run(40)
    assert [(at, endpoint.host) for at, endpoint in world.dials] == [(1000, "a"), (1001, "b"), (1013, "b")]


def test_the_preferred_place_is_left_alone_too_when_it_asked_to_wait() -> None:
    manners = [slow_down(60), leaves_after(6), GOOD]
    world = World({"retry": Retry(stable_after=5)}, manners, source=[A, B]).start().run(20)
    assert hosts(world) == "abb"


def test_where_a_redirect_led_belongs_to_the_place_that_sent_us() -> None:
    leading = Manners(status=302, headers={"Location": "ws://elsewhere/"})
    world = World(manners=[leading, GONE, REFUSED], source=[A, B]).start().run(20)
    assert [endpoint.host for _, endpoint in world.dials][:4] == ["a", "elsewhere", "b", "b"]


def test_endpoints_urls_and_functions_may_stand_together() -> None:
    async def fresh() -> str:
        return "ws://c/fresh"

    endpoint = Endpoint("ws://b/", headers=(("X-A", "1"),))
    world = World(manners=REFUSED, source=[A, endpoint, fresh]).start().run(10)
    assert [dialled.url for _, dialled in world.dials][:4] == [A, "ws://b/", "ws://c/fresh", A]
    assert world.dials[1][1] is endpoint


@given(
    st.lists(st.sampled_from([REFUSED, GONE, POLICY, slow_down(3), leaves_after(1), leaves_after(6)]), max_size=12),
    st.integers(1, 3),
    st.integers(0, 9),
)
def test_it_comes_back_wherever_one_place_can_be_helped(story: list[Manners], places: int, seed: int) -> None:
    """And it gives up only when none can."""
    options = {"retry": Retry(stable_after=5, max_policy_closes=2), "backoff": Backoff(1.0, 2.0, 4.0, 0.5)}
    source = [A, B, C][:places]
    world = World(options, [*story, GOOD], source=source, seed=seed)  # type: ignore[arg-type]
    world.start().run(1)
    world.run_until(lambda: world.fleet.ended or len(world.dials) > len(story), within=1000)
    if world.fleet.ended is None:
        world.run_until(lambda: world.fleet.is_open, within=5)
    else:
        since = max((index for index, one in enumerate(world.attempts) if one == 1), default=0)
        assert len({endpoint.host for _, endpoint in world.dials[since:]}) == places
    assert len(world.events(Connected)) <= len(world.dials)
