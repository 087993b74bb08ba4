"""What may happen while one connection takes over from another: what was once wrong with it, and what is easily so."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from helpers.combined import service
from helpers.peer import Manners
from helpers.sea import ALL, LoseReplies, Sea
from helpers.world import World
from holdfast import (
    Backoff,
    Cause,
    Disconnected,
    Failure,
    FeedOptions,
    Gap,
    Keepalive,
    Limits,
    Message,
    MessageWindow,
    Overflow,
    Patience,
    Resumed,
    Rotated,
    Rotating,
    Rotation,
    Service,
    ServiceLimits,
    Stale,
    Timeouts,
    Unsubscribed,
    Update,
)
from holdfast.supervisor.gaps import Ledger
from holdfast.supervisor.merge import Merge, Orphan
from holdfast.supervisor.rotation import Rotations
from holdfast.supervisor.tally import LegTally, Tally
from holdfast.testing import Rules
from holdfast.testing.world import Chance, Dialling, Weather

FIVE = ALL[:5]
RAW = f"ws://example.com/stream?streams={'/'.join(FIVE)}"
SOURCES = pytest.mark.parametrize("source", [service(*FIVE), RAW], ids=["dialect", "raw"])
QUICK = Backoff(0.25, 1.5, 2.0)
SLOWER = Weather(delay=1.0)


def rotate(sea: Sea) -> None:
    sea.fleet.rotate(sea.world.now)
    sea.process.settle()


def links(sea: Sea) -> list:
    return list(sea.host.links.values())


def test_connections_are_replaced_one_after_the_other_whatever_the_reason() -> None:
    """A stream that is silent on both is a reason for both at the same moment."""
    rules, patience = Rules(silent=frozenset(FIVE[:1])), {FIVE[0]: Patience(silence=5.0)}
    sea = Sea(service(*FIVE), rate=1.0, legs=2, backoff=QUICK, rules=rules, patience=patience)
    sea.run(30.0)
    under_way = 0
    for event in sea.of((Rotating, Rotated)):
        under_way += 1 if isinstance(event, Rotating) else -1
        assert under_way <= 1
    assert len(sea.of(Rotating)) >= 2


def test_a_text_that_comes_again_and_again_proves_nothing() -> None:
    """A plain feed gets heartbeats, all alike, from each connection at another time."""
    sea = Sea(RAW, rate=3.0, rules=Rules(heartbeat=1.0), weather=SLOWER, keepalive=Keepalive(600.0, 600.0))
    sea.run(10.25)
    for delay in (0.0, 1.0, 0.0625, 2.0, 0.0, 1.5):
        sea.world.weather = Weather(delay=delay)
        rotate(sea)
        sea.run(20.375)
    assert len(sea.of(Rotated)) == 6
    assert not sea.of(Gap)
    sea.account()


@SOURCES
def test_a_stall_during_a_handover_is_nobodys_loss(source: Service | str) -> None:
    sea = Sea(source, rate=1 / 600, weather=SLOWER)
    sea.run(10.0)
    rotate(sea)
    sea.run(2.5)
    sea.process.stall(60.0)
    sea.run(90.0)
    assert len(sea.of(Rotated)) == 1
    assert not sea.of(Gap)


@SOURCES
def test_a_paused_feed_hands_over_when_it_is_read_again(source: Service | str) -> None:
    sea = Sea(source, rate=20.0, limits=Limits(max_queue_size=20_000), overflow=Overflow("pause"))
    sea.run(5.0)
    sea.process.consumer_pause, sea.process.consumer_limit = 60.0, 1
    sea.run(1.0)
    rotate(sea)
    sea.run(120.0)
    sea.process.consumer_pause, sea.process.consumer_limit = 0.0, None
    sea.run(70.0)
    assert sea.of(Resumed)
    assert len(sea.of(Rotated)) == 1
    assert not sea.of(Gap)
    assert min(sea.account().values()) > 20 * 180


def test_what_is_held_is_bounded() -> None:
    """The one connection that is sure went dark, and nobody knows it yet."""
    sea = Sea(
        service(*FIVE), rate=50.0, legs=2, backoff=QUICK, keepalive=Keepalive(300.0, 300.0),
        limits=Limits(max_queue_size=30_000), rotation=Rotation(overlap_timeout=600.0),
    )  # fmt: skip
    sea.run(5.0)
    one, other = links(sea)
    one.hold(math.inf)
    other.reset()
    sea.run(20.0)
    assert len(sea.of(Gap)) >= 1
    assert min(sea.account().values()) > 50 * 15


def test_what_a_dialect_makes_nothing_of_is_delivered_by_whoever_brings_it() -> None:
    merge = Merge(by_stream=True, overlap=10.0, bound=1000)
    merge.add(1, LegTally())
    merge.add(2, LegTally())
    merge.carries(1, ["s"], 0.0)
    merge.carries(2, ["s"], 0.0)
    assert merge.put(1, [Update(None, "to one")], 6, 1.0) == [Update(None, "to one")]
    assert merge.put(2, [Update(None, "to two")], 6, 1.0) == [Update(None, "to two")]
    assert merge.put(2, [Update(None, "to one")], 6, 1.5) == [], "the same to both"
    assert merge.overdue(100.0) == []


def test_a_stream_that_both_connections_had_given_up_can_be_had_again() -> None:
    merge = Merge(by_stream=True, overlap=10.0, bound=1000)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["s"], 0.0)
    merge.put(1, [Update("s", "1")], 1, 1.0)
    assert merge.carries_no_more(2, ["s"], gone=True) == []
    assert merge.carries_no_more(1, ["s"], gone=True) == [Orphan("s", None)]
    merge.carries(1, ["s"], 2.0)
    merge.carries(2, ["s"], 2.0)
    assert merge.put(1, [Update("s", "5")], 1, 3.0) == [Update("s", "5")]
    assert merge.put(2, [Update("s", "5")], 1, 3.0) == []


def test_what_two_connections_still_bring_of_a_stream_that_is_dropped_comes_once() -> None:
    merge = Merge(by_stream=True, overlap=10.0, bound=1000)
    brought = [Update("s", str(number)) for number in range(6)]
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["s"], 0.0)
    assert merge.put(1, brought[:3], 3, 1.0) == brought[:3]
    for conn in (1, 2):
        merge.carries_no_more(conn, ["s"], gone=False)
    merge.forget(["s"])
    assert merge.put(1, brought[3:], 3, 2.0) == brought[3:], "it was on its way"
    merge.carries_no_more(1, ["s"], gone=True)
    assert merge.put(2, brought, 6, 2.5) == []
    merge.carries_no_more(2, ["s"], gone=True)
    merge.forget(["s"])
    assert not merge._strands


def test_who_goes_on_with_a_stream_that_the_sure_one_brings_no_more_is_known() -> None:
    merge = Merge(by_stream=True, overlap=10.0, bound=1000)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["s"], 0.0)
    merge.put(1, [Update("s", "1")], 1, 1.0)
    assert merge.carries_no_more(1, ["s"], gone=True) == [Orphan("s", 2)]


def test_unsubscribed_and_subscribed_again_during_a_handover() -> None:
    sea = Sea(service(*FIVE), rate=5.0, weather=Weather(delay=0.5))
    sea.run(5.0)
    for pause in (0.125, 0.75, 1.25, 2.0):
        rotate(sea)
        sea.run(pause)
        sea.unsubscribe(FIVE[0])
        sea.run(0.25)
        sea.subscribe(FIVE[0])
        sea.run(30.0)
    assert len(sea.of(Rotated)) == 4
    last = {item.stream: item for item in sea.of(Update)}
    assert str(5 * 124) in last[FIVE[0]].text or sea.fleet.stream_states()[FIVE[0]] == "subscribed"
    numbers = [int(item.json()["data"]["t"]) for item in sea.of(Update) if item.stream == FIVE[1]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("moment", [0.0, 0.0625, 0.125, 0.25, 1.0])
def test_a_feed_can_be_closed_during_a_handover(moment: float) -> None:
    sea = Sea(service(*FIVE), rate=1 / 600)
    sea.run(5.0)
    sea.strike(LoseReplies(60.0))
    rotate(sea)
    sea.run(moment)
    sea.process.close()
    sea.run(sea.fleet._shards._config.timeouts.close)
    assert sea.fleet.is_closed
    assert sea.fleet.next_deadline() == math.inf
    assert not sea.process.sockets


def test_who_waits_for_his_turn_is_replaced_though_the_one_before_failed() -> None:
    sea = Sea(service(*FIVE), rate=5.0, legs=2, backoff=QUICK)
    sea.run(5.0)
    sea.strike(LoseReplies(4.0))
    rotate(sea)
    sea.run(1.0)
    links(sea)[0].reset()  # it was to be replaced: who comes next takes its place
    sea.run(30.0)
    assert {event.conn for event in sea.of(Rotating)} == {1, 2}


def test_no_hours_of_the_day_make_a_connection_older_than_it_may_be() -> None:
    random = Chance(1)
    rotations = Rotations(Rotation(max_age=900.0, window=("02:00", "04:00")), None, random)
    for hour in range(24):
        leg: object = object()
        rotations.opened(leg, hour * 3600.0, 0.0)  # type: ignore[arg-type]
        assert rotations.due(hour * 3600.0 + 900.0) == [leg]


def test_a_gap_reaches_back_to_where_the_stream_was_lost() -> None:
    """One stream was refused for a while, and is there again on the next connection."""
    declared: list[Gap] = []
    ledger = Ledger(SimpleNamespace(emit=declared.append), Tally())
    reset = Failure(Cause.RESET)
    ledger.lost(1.0, reset, ["a", "b"])
    ledger.covered(["a"], 3.0)
    ledger.lost(7.0, reset, ["a", "b"])
    ledger.covered(["a", "b"], 9.0)
    assert [(gap.stream, gap.since, gap.until) for gap in declared] == [
        (None, 1.0, 3.0),
        (None, 7.0, 9.0),
        ("b", 1.0, 9.0),
    ]


def test_nobody_pays_for_the_time_in_which_we_did_not_read() -> None:
    merge = Merge(by_stream=True, overlap=10.0, bound=1000)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["s"], 0.0)
    assert merge.put(2, [Update("s", "7")], 1, 1.0) == []
    assert merge.overdue(1.0) == [(2, "s")]
    merge.excuse(60.0)
    assert merge.overdue(60.5) == []
    assert merge.overdue(61.0) == [(2, "s")]


def test_no_loss_is_declared_for_what_another_one_has_settled() -> None:
    """Much is held of one stream, and a little of another, when it becomes too much."""
    merge = Merge(by_stream=True, overlap=10.0, bound=100)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["s"], 0.0)
    merge.put(2, [Update("s", "7"), Update("s", "8")], 2, 1.0)
    assert merge.is_too_large
    assert merge.held_by() == [(2, "s")]
    assert merge.put(1, [Update("s", text) for text in "678"], 3, 2.0) == [Update("s", text) for text in "678"]
    assert not merge.is_too_large
    assert not merge.is_held(2, "s")


@SOURCES
def test_what_a_connection_brings_when_it_was_not_waited_for_is_no_news(source: Service | str) -> None:
    """The only one that was sure hangs for longer than an overlap may take, and then goes on."""
    sea = Sea(source, rate=7.0, legs=2, backoff=QUICK)
    sea.run(5.0)
    one, other = links(sea)
    one.hold(sea.world.now + 20.0)
    sea.run(1.0)
    other.reset()
    sea.run(60.0)
    assert len(sea.of(Gap)) >= 1
    assert min(sea.account().values()) >= 7 * 64


def test_what_was_brought_and_is_held_is_not_owed_for_ever_nor_given_twice() -> None:
    """A quiet stream: each connection brings the same, and pongs say meanwhile that nothing else is to come."""
    merge = Merge(by_stream=True, overlap=10.0, bound=1000)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["s"], 0.0)
    assert merge.put(1, [Update("s", "7")], 1, 1.0) == [Update("s", "7")]
    assert merge.put(2, [Update("s", "7")], 1, 1.25) == []
    merge.ponged(2, 20.0, 21.0)
    assert merge.overdue(21.0) == []
    assert merge.put(1, [Update("s", "8")], 1, 30.0) == [Update("s", "8")]
    assert merge.put(2, [Update("s", "8")], 1, 30.25) == []
    assert merge.is_sure(2, "s")


def test_who_fell_silent_himself_is_no_witness_for_a_stream() -> None:
    """It is asked for anew, which begins with an end; nobody says that this was done; so the connection is rotated."""
    sea = Sea(service(*FIVE), rate=5.0, patience={FIVE[0]: Patience(silence=5.0)})
    sea.run(10.0)
    sea.strike(LoseReplies(30.0))
    sea.forget(FIVE[0])
    sea.run(40.0)
    assert sea.of(Rotated)
    assert any(gap.stream in (None, FIVE[0]) for gap in sea.of(Gap))
    sea.account()


def test_who_comes_after_knows_how_long_a_stream_was_silent() -> None:
    """A rotation in vain is under way when the second step drops the old connection: the third step follows."""
    sea = Sea(service("dead@trade", patient=Patience(first=10.0)), backoff=QUICK)
    sea.run(5.0)
    sea.host.dialling = Dialling.REFUSED
    rotate(sea)
    sea.run(17.0)
    assert not sea.fleet.is_open
    sea.host.dialling = Dialling.ANSWERED
    sea.run(20.0)
    silences = [event.failure.cause for event in sea.of(Disconnected)]
    assert silences == [Cause.STREAM_SILENT] * 2
    assert len(sea.of(Unsubscribed)) == 1, "asked for anew once, in the first step"


def hesitant(*streams: str) -> Service:
    """It takes a request for one stream every few seconds: so long a new connection is not settled."""
    return service(*streams, batch=1, limits=ServiceLimits(message_window=MessageWindow(2, 2.0)))


def test_who_may_have_dropped_a_stream_vouches_for_nobody() -> None:
    """A stream is dropped and wanted again at once; it is dropped, and nobody says so. The next connection brings it,
    and is lost before it takes over: what it would have brought is missing, since the old one has nothing of it.
    """
    sea = Sea(hesitant(*FIVE[:2]), rate=5.0, backoff=QUICK, rotation=Rotation(overlap_timeout=60.0))
    sea.run(20.0)
    sea.strike(LoseReplies(60.0))
    sea.unsubscribe(FIVE[0])
    sea.subscribe(FIVE[0], ALL[5])  # one behind it
    sea.run(1.0)
    assert FIVE[0] not in sea.served
    rotate(sea)
    sea.run(4.0)
    assert FIVE[0] in {item.stream for item in sea.items[-20:] if isinstance(item, Update)}, "the new one brings it"
    links(sea)[-1].reset()
    before = len(sea.items)
    sea.run(10.0)
    assert 2 not in {event.conn for event in sea.of(Rotated)}, "lost before that"
    assert {gap.stream for gap in sea.items[before:] if isinstance(gap, Gap)} == {FIVE[0]}


def test_a_silent_stream_is_nobodys_proof() -> None:
    """The old connection lost a stream, and may not even ask for it anew yet; the next one brings it, and is lost."""
    sea = Sea(hesitant(*FIVE), rate=5.0, backoff=QUICK, patience={FIVE[0]: Patience(silence=1.0)})
    sea.run(20.0)
    rotate(sea)
    sea.run(2.0)
    sea.strike(LoseReplies(60.0))
    sea.forget(FIVE[0])
    sea.run(3.0)
    links(sea)[-1].reset()
    sea.run(20.0)
    sea.account()


@SOURCES
def test_quiet_streams_are_handed_over_without_a_gap_even_where_no_pings_are_sent(source: Service | str) -> None:
    """Nothing but the answers to pings can prove for them that nothing is missing; nobody is judged by those."""
    sea = Sea(source, rate=1 / 600, keepalive=Keepalive(interval=None, timeout=1.0), weather=SLOWER)
    sea.run(60.0)
    rotate(sea)
    sea.run(60.0)
    assert len(sea.of(Rotated)) == 1
    assert not sea.of(Gap)
    assert not sea.of(Disconnected)


def test_who_subscribes_often_finds_silence_all_the_same() -> None:
    sea = Sea(service(*FIVE), rate=1.0, patience={FIVE[0]: Patience(silence=20.0)})
    sea.run(10.0)
    sea.forget(FIVE[0])
    for number in range(15):  # each time sooner than a quarter of the patience
        sea.subscribe(ALL[10 + number])
        sea.run(3.0)
    assert [event.stream for event in sea.of(Stale)] == [FIVE[0]]


@pytest.mark.parametrize("period", [0.75, 1.0, 2.0])
def test_pings_for_proofs_leave_room_for_requests(period: float) -> None:
    """There is room for one message in so long, and a ping is wanted as often, as long as a leg is not sure."""
    limits = ServiceLimits(message_window=MessageWindow(2, period))
    sea = Sea(service(*FIVE, batch=1, limits=limits), rate=5.0, legs=2, backoff=QUICK)
    sea.run(1.0 + len(FIVE) * (period + 0.5))
    assert set(sea.fleet.stream_states().values()) == {"subscribed"}
    for connection in sea.exchange._connections.values():
        assert connection.streams == set(FIVE)


@pytest.mark.parametrize("window", [None, ("00:00", "23:59")])
def test_nothing_is_planned_behind_the_end_whatever_happens_until_the_socket_is_closed(
    window: tuple[str, str] | None,
) -> None:
    options: FeedOptions = {"rotation": Rotation(max_age=900.0, window=window), "timeouts": Timeouts(close=5.0)}
    world = World(options, Manners(answers_close=False, ends_stream=False)).open()
    world.close()
    world.oversleep(2.0)
    assert not world.fleet.is_closed
    world.run(5.0)
    assert world.fleet.is_closed
    assert world.fleet.next_deadline() == math.inf


@pytest.mark.parametrize("by_stream", [True, False])
@pytest.mark.parametrize("cut", [0, 1, 3, 4])
def test_what_was_delivered_before_it_was_not_waited_for_does_not_come_again(by_stream: bool, cut: int) -> None:
    """One leg is stuck, the other is lost, and a new one goes on; then the first brings all that it owed."""

    def texts(*numbers: int) -> list[Message]:
        return [Update("s", str(number)) if by_stream else str(number) for number in numbers]

    name = "s" if by_stream else None
    merge = Merge(by_stream=by_stream, overlap=5.0, bound=10_000)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, [name], 0.0)
    assert merge.put(1, texts(5), 1, 1.0) == texts(5)
    assert merge.put(2, texts(5), 1, 1.0) == []
    merge.prove(2, name, 1.0)
    assert merge.put(1, texts(6, 7, 8), 3, 2.0) == texts(6, 7, 8)
    assert merge.leave(1) == []
    merge.add(3, LegTally())
    merge.carries(3, [name], 3.0)
    assert merge.put(3, texts(9), 1, 4.0) == []
    merge.go_on_with(3, name)
    assert merge.prove(3, name, 9.0) == texts(9)
    late = texts(6, 7, 8, 9)
    assert merge.put(2, late[:cut], cut, 10.0) == []
    assert merge.put(2, late[cut:], 4 - cut, 10.5) == []
    merge.go_on_with(2, name)
    assert merge.prove(2, name, 16.0) == []
    assert merge.put(2, texts(10), 1, 17.0) == texts(10)
