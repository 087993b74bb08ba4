"""Whole lives: any mix of settings, peers, stalls, consumers. First nothing breaks; then, healed, it is open again."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from helpers.lattice import Step, carry_out, keepalives, steps, times
from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import (
    Backoff,
    Cause,
    Closed,
    DialWindow,
    Disconnected,
    Failure,
    FeedOptions,
    Limits,
    Retry,
    Staleness,
    Timeouts,
)

DOINGS = ("run", "run", "run", "stall", "tick", "back", "slow", "eager")


def options() -> st.SearchStrategy[FeedOptions]:
    return st.builds(
        FeedOptions,
        on_open=st.lists(st.sampled_from(["subscribe", b"\x00"]), max_size=2),
        keepalive=keepalives(),
        staleness=st.builds(Staleness, times(1, 6), st.booleans()),
        backoff=st.builds(Backoff, times(0.25, 1), st.just(2.0), times(1, 4), st.sampled_from([0.0, 0.5])),
        retry=st.builds(Retry, times(0.25, 5), max_policy_closes=st.just(1000)),
        dial_window=st.builds(DialWindow, st.integers(5, 50), times(1, 4)),
        timeouts=st.builds(Timeouts, times(0.25, 4), times(0.25, 4)),
        limits=st.builds(
            Limits, max_queue_size=st.sampled_from([1, 150, 1000, 1 << 20]), max_message_size=st.just(500)
        ),
        stall_after=times(0.25, 2),
    )


def chatter(every: float, end: float, way: str) -> Manners:
    """A peer that sends numbered messages until its end comes, in one way or another."""

    def live(peer: Peer) -> None:
        def talk(number: int) -> None:
            if peer.alive and peer.world.now < born + end:
                peer.send(f"{peer.conn}:{number}")
                peer.world.later(every, lambda: talk(number + 1))

        def part() -> None:
            if way == "close":
                peer.say_close(1012)
            elif way == "violate":
                peer.send_raw(b"\x83\x00")
            elif way == "hang up":
                peer.hang_up(Failure(Cause.RESET))
            else:
                peer.die()

        born = peer.world.now
        talk(0)
        peer.world.later(end, part)

    return Manners(on_open=live, ends_stream=way != "close")


PEERS = st.one_of(
    st.builds(chatter, times(0.25, 2), times(0, 8), st.sampled_from(["close", "violate", "hang up", "die"])),
    st.sampled_from(
        [
            Manners(dial_failure=Failure(Cause.DNS)),
            Manners(dial_failure=Failure(Cause.REFUSED), dial_delay=1),
            Manners(never_dials=True),
            Manners(never_answers=True),
            Manners(status=503, headers={"Retry-After": "2"}),
            Manners(status=302, headers={"Location": "/elsewhere"}),
            Manners(answers_pings=False),
            Manners(dial_delay=0.5, accept_delay=0.5, pong_delay=0.5),
        ]
    ),
)
VOYAGE = given(options(), st.lists(PEERS, max_size=6), steps(*DOINGS), st.integers(0, 3))


@VOYAGE
def test_a_voyage_breaks_nothing_and_ends_well(
    settings: FeedOptions, peers: list[Manners], script: list[Step], seed: int
) -> None:
    world = World(settings, [*peers, Manners()], seed=seed).start()
    stalled = carry_out(world, script)
    world.consume()
    world.heal()
    dials = len(world.dials)
    world.run_until(lambda: len(world.dials) > dials and world.fleet.is_open, within=time_to_heal(settings) + stalled)
    world.peer.send("healed")
    world.run(0.25)
    assert world.messages[-1] == "healed"
    assert_in_order(world)
    world.close()
    world.run(world.config.timeouts.close)
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf
    assert isinstance(world.items[-1], Closed)


def time_to_heal(settings: FeedOptions) -> float:
    """What was there is found dead, the server's wishes and the window are waited for, and one good dial is made."""
    keepalive, connect = settings["keepalive"], settings["timeouts"].connect
    found = max((keepalive.interval or 0) + keepalive.timeout, connect)
    retry_after = 2.0
    return found + retry_after + settings["backoff"].maximum + settings["dial_window"].period + connect


def assert_in_order(world: World) -> None:
    """Of each connection the messages 0, 1, 2 … arrived, without a hole."""
    numbered = [message.split(":") for message in world.messages if isinstance(message, str) and ":" in message]
    for conn in {conn for conn, _ in numbered}:
        numbers = [int(number) for one, number in numbered if one == conn]
        assert numbers == list(range(len(numbers)))


@VOYAGE
def test_the_same_inputs_give_the_same_outputs(
    settings: FeedOptions, peers: list[Manners], script: list[Step], seed: int
) -> None:
    def sail() -> object:
        world = World(settings, [*peers, Manners()], seed=seed).start()
        carry_out(world, script)
        world.consume()
        world.run(10)
        return world.items, world.commands, world.fleet.stats(world.now), world.fleet.next_deadline()

    assert sail() == sail()


@given(options(), st.lists(PEERS, max_size=4), steps("run", "stall", "slow", "eager"), times(0, 30))
def test_a_voyage_may_be_broken_off_at_any_moment(
    settings: FeedOptions, peers: list[Manners], script: list[Step], moment: float
) -> None:
    world = World(settings, [*peers, Manners()]).start()
    carry_out(world, script)
    world.run(moment)
    world.close()
    world.run(world.config.timeouts.close)
    world.consume()
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf
    assert world.kinds[-1] == "Closed"


@given(options(), steps("run", "run", "stall", "tick", "slow", "eager"))
def test_on_a_voyage_a_good_peer_is_never_left(settings: FeedOptions, script: list[Step]) -> None:
    settings["staleness"] = Staleness(after=1, reconnect=False)
    world = World(settings).open()
    carry_out(world, script)
    world.consume()
    world.run(20)
    assert world.events(Disconnected) == []
    assert len(world.dials) == 1
