"""Every interval in which messages may have been lost is declared, in its place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.lattice import times
from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import Cause, Disconnected, Failure, Gap, Keepalive, Retry, Staleness

ENDS = {
    "hang up": lambda peer: peer.hang_up(),
    "reset": lambda peer: peer.hang_up(Failure(Cause.RESET)),
    "close": lambda peer: peer.say_close(1001),
    "violation": lambda peer: peer.send_raw(b"\xff\xff"),
    "die": lambda peer: peer.die(),
}
BETWEEN = st.sampled_from(
    [
        Manners(dial_failure=Failure(Cause.DNS)),
        Manners(status=503),
        Manners(never_answers=True),
        Manners(never_dials=True),
    ]
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[Manners, str, int]:
    """A connection with some messages, early ones perhaps, and its end."""
    end, count, early = draw(st.sampled_from(sorted(ENDS))), draw(st.integers(0, 3)), draw(st.booleans())
    pause = draw(times(0, 3))

    def live(peer: Peer) -> None:
        def flow(left: int) -> None:
            if left:
                peer.send(f"{peer.conn}.{left}")
                peer.world.later(pause, lambda: flow(left - 1))
            else:
                ENDS[end](peer)

        flow(count) if early else peer.world.later(pause, lambda: flow(count))

    return Manners(on_open=live), end, count


@given(st.lists(st.one_of(lives(), BETWEEN.map(lambda bad: (bad, "", 0))), max_size=6))
def test_between_two_connections_stands_exactly_one_gap(story: list[tuple[Manners, str, int]]) -> None:
    manners = [*(one for one, _, _ in story), Manners(on_open=lambda peer: peer.send("the end"))]
    world = World({"keepalive": Keepalive(2, 2), "retry": Retry(max_policy_closes=100)}, manners).start()
    world.run_until(lambda: "the end" in world.messages, within=1000)
    lost, gaps = world.events(Disconnected), world.events(Gap)
    assert len(lost) == len(gaps) == sum(1 for _, end, _ in story if end)
    for loss, gap in zip(lost, gaps, strict=True):
        assert gap.cause is loss.failure
        assert gap.since <= loss.at <= gap.until
        # The audit of the world sees to it that it stands between them; here: it is directly behind Connected.
        where = world.items.index(gap)
        assert world.kinds[where - 1] == "Connected"
    assert len(world.messages) == 1 + sum(count for _, _, count in story)
    assert world.fleet.stats(world.now).gaps == len(gaps)


def test_the_gap_begins_with_the_last_byte_and_ends_with_the_new_connection() -> None:
    world = World({"keepalive": Keepalive(2, 2)}, [Manners(), Manners(dial_delay=0.5)]).open()
    world.peer.send("last")
    world.run(0.25)
    world.peer.die()
    world.run(10)
    (gap,) = world.events(Gap)
    assert (gap.since, gap.until) == (1000, 1000 + 4 + 1 + 0.5)


def test_the_gap_is_declared_when_the_feed_gives_up() -> None:
    world = World(manners=[Manners(), Manners(status=503), Manners(status=404)]).open()
    world.peer.hang_up()
    world.run(20)
    assert world.kinds[-3:] == ["ConnectFailed", "Gap", "Closed"]
    (gap,) = world.events(Gap)
    assert gap.cause.cause is Cause.EOF
    assert gap.until == gap.at == world.ended.at


def test_what_was_never_open_has_no_gap() -> None:
    world = World(manners=[Manners(status=503), Manners(status=404)]).start()
    world.run(20)
    assert world.events(Gap) == []


def test_the_gap_of_a_stale_connection_is_declared() -> None:
    world = World({"staleness": Staleness(after=4, reconnect=True)}).open()
    world.peer.send("last")
    world.run(6)
    (gap,) = world.events(Gap)
    assert gap.cause.cause is Cause.NO_DATA
    assert (gap.since, gap.until) == (1000, 1005)


def test_pongs_do_not_shorten_the_gap_of_a_stale_connection() -> None:
    """Silence of data began with the last message: from then on messages may have been lost."""
    world = World({"staleness": Staleness(after=4, reconnect=True), "keepalive": Keepalive(1, 1)}).open()
    world.run(1)
    world.peer.send("last")
    world.run(11)
    first, second = world.events(Gap)
    assert first.since == 1001
    assert second.since == 1006, "from the opening, on a connection that never brought data"
