"""Desired state: what was asked for is what is subscribed, whatever happens to connections and answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.combined import STRICT, service
from helpers.sea import ALL, LoseReplies, Sea
from holdfast import (
    Cause,
    Closed,
    ConfigError,
    Connected,
    Disconnected,
    Event,
    Failure,
    FeedClosed,
    FeedConfig,
    Gap,
    LocalProtocolError,
    Patience,
    Retry,
    Rotated,
    Rotating,
    Rotation,
    ServiceLimits,
    Sharding,
    Stale,
    Subscribed,
    Subscribing,
    SubscriptionRefused,
    Unsubscribed,
    Update,
)
from holdfast.testing import GoSilent, MuteData, Reset, Rules
from holdfast.testing.world import Weather, World


def test_what_is_wanted_is_asked_for_acknowledged_and_delivered() -> None:
    sea = Sea(service(*ALL[:25]))
    sea.run(10.0)
    assert sea.fleet.stream_states() == dict.fromkeys(ALL[:25], "subscribed")
    assert {stream for event in sea.of(Subscribed) for stream in event.streams} == set(ALL[:25])
    assert {update.stream for update in sea.of(Update)} == set(ALL[:25])
    assert not [item for item in sea.items if isinstance(item, str)]


def test_acknowledgements_are_no_messages_and_no_data() -> None:
    sea = Sea(service("nothing@here"), stall_after=5.0)
    sea.run(61.0)
    assert sea.of(Subscribed)
    assert not sea.of(Update)
    assert sea.fleet.stats(sea.world.now).data_age is None
    assert sea.of(Stale)


def test_streams_come_and_go_while_connected() -> None:
    sea = Sea(service(*ALL[:5]))
    sea.run(3.0)
    sea.subscribe(*ALL[5:8])
    sea.unsubscribe(*ALL[:3])
    sea.run(3.0)
    assert sea.fleet.stream_states() == dict.fromkeys(ALL[3:8], "subscribed")
    assert [set(event.streams) for event in sea.of(Unsubscribed)] == [set(ALL[:3])]
    count = len([update for update in sea.of(Update) if update.stream in ALL[:3]])
    sea.run(10.0)
    assert len([update for update in sea.of(Update) if update.stream in ALL[:3]]) == count


def test_streams_may_be_named_before_there_is_a_connection() -> None:
    sea = Sea(service())
    sea.subscribe(ALL[0])
    sea.unsubscribe(ALL[0])
    sea.subscribe(ALL[1])
    assert sea.fleet.stream_states() == {ALL[1]: "wanted"}
    sea.run(3.0)
    assert sea.fleet.stream_states() == {ALL[1]: "subscribed"}


def test_every_new_connection_gets_all_of_it() -> None:
    sea = Sea(service(*ALL))
    for _ in range(5):
        sea.run(40.0)
        sea.strike(Reset())
    sea.run(40.0)
    assert set(sea.fleet.stream_states().values()) == {"subscribed"}
    assert len(sea.of(Connected)) == 6


def test_the_message_window_holds_on_replay_too() -> None:
    rules, weather = Rules(message_limit=(5, 1.0), pong_timeout=1.0), Weather(delay=0.0625, jitter=0.125)
    sea = Sea(service(*ALL, limits=STRICT, batch=1), rules=rules, weather=weather, server_ping=2.0)
    for _ in range(3):
        sea.run(30.0)
        assert set(sea.fleet.stream_states().values()) == {"subscribed"}
        sea.strike(Reset())
    assert sea.closed_by == []


def test_a_client_without_the_window_would_be_cut_off() -> None:
    """So the test above can fail."""
    sea = Sea(service(*ALL, batch=1), rules=Rules(message_limit=(5, 1.0)))
    sea.run(20.0)
    assert "message_limit" in sea.closed_by


def test_what_was_not_acknowledged_is_asked_again() -> None:
    sea = Sea(service(*ALL[:3]), subscribing=Subscribing(ack_timeout=2.0))
    sea.run(0.125)
    sea.strike(LoseReplies(3.0))
    sea.run(1.0)
    assert set(sea.fleet.stream_states().values()) == {"asked"}
    sea.run(4.0)
    assert set(sea.fleet.stream_states().values()) == {"subscribed"}


@pytest.mark.parametrize("rotation", [None, Rotation()])
def test_a_service_that_never_acknowledges_is_left(rotation: Rotation | None) -> None:
    sea = Sea(service(*ALL[:3]), rotation=rotation, subscribing=Subscribing(ack_timeout=2.0, max_asks=2))
    sea.run(0.125)
    sea.strike(LoseReplies(10.0))
    sea.run(8.0)
    if rotation is None:
        [lost] = sea.of(Disconnected)
        assert lost.failure.cause is Cause.UNACKNOWLEDGED
    else:
        [rotating] = sea.of(Rotating)
        assert str(Failure(Cause.UNACKNOWLEDGED)) in rotating.reason
        assert not sea.of(Disconnected), "data flows meanwhile"
    sea.run(10.0)
    assert rotation is None or sea.of(Rotated)
    assert set(sea.fleet.stream_states().values()) == {"subscribed"}


def test_one_bad_stream_among_many_is_found_and_told_once() -> None:
    sea = Sea(service(*ALL[:15], "bad", batch=100), rules=Rules(max_streams=15))
    sea.run(30.0)
    refused = sea.of(SubscriptionRefused)
    assert len(refused) == 1
    states = sea.fleet.stream_states()
    assert list(states.values()).count("subscribed") == 15
    assert states[refused[0].stream] == "refused"
    assert "15" in refused[0].reason
    sea.unsubscribe(next(stream for stream, state in states.items() if state == "subscribed"))
    sea.run(3.0)
    sea.subscribe(refused[0].stream)  # asked for again because the user says so
    sea.run(3.0)
    assert set(sea.fleet.stream_states().values()) == {"subscribed"}


def test_the_url_may_ask() -> None:
    sea = Sea(service(*ALL[:3], url=f"ws://example.com/stream?streams={ALL[0]}/{ALL[1]}"))
    sea.run(2.0)
    assert set(sea.fleet.stream_states().values()) == {"subscribed"}
    assert [event.streams for event in sea.of(Subscribed)] == [ALL[:2], (ALL[2],)]


def test_what_the_url_asks_for_in_vain_is_taken_back() -> None:
    sea = Sea(service(*ALL[:2], url=f"ws://example.com/stream?streams={ALL[0]}/{ALL[1]}"))
    sea.run(2.0)
    sea.unsubscribe(ALL[0])
    sea.run(2.0)
    sea.strike(Reset())
    sea.run(5.0)
    assert sea.served == {ALL[1]}
    assert sea.of(Subscribed)[-1].streams == (ALL[1],)


def test_an_audit_finds_what_the_service_forgot_and_what_it_kept() -> None:
    sea = Sea(service(*ALL[:3]), subscribing=Subscribing(audit_every=10.0))
    sea.run(2.0)
    sea.forget(ALL[0])
    sea.run(9.0)
    assert sea.fleet.stream_states()[ALL[0]] == "subscribed"
    assert len([event for event in sea.of(Subscribed) if ALL[0] in event.streams]) == 2
    assert sea.served == set(ALL[:3])


# Silence of single streams


@pytest.mark.parametrize("rotation", [None, Rotation()])
def test_a_stream_without_its_first_message_climbs_the_ladder(rotation: Rotation | None) -> None:
    patient = service(ALL[0], "dead@trade", patient=Patience(first=5.0))
    sea = Sea(patient, rotation=rotation, retry=Retry(stable_after=1.0))
    sea.run(4.0)
    assert not sea.of(Stale)
    sea.run(3.0)
    [stale] = sea.of(Stale)
    assert stale.stream == "dead@trade"
    assert 5.0 <= stale.silent < 6.5
    assert not sea.of(Disconnected), "the smallest step comes first"
    assert [event.streams for event in sea.of(Unsubscribed)] == [("dead@trade",)]
    sea.run(8.0)
    if rotation is None:
        [lost] = sea.of(Disconnected)
        assert lost.failure.cause is Cause.STREAM_SILENT
        assert "dead@trade" in lost.failure.detail
    else:
        [rotating] = sea.of(Rotating)
        assert "dead@trade" in rotating.reason
    sea.run(3600.0)
    # Patience doubles with every round: 10, 20, 40 ... seconds a step.
    assert len(sea.of(Disconnected) + sea.of(Rotating)) <= 20
    assert rotation is None or not sea.of(Disconnected), "the other stream goes on"


def test_a_stream_that_falls_silent_is_asked_for_anew_and_its_gap_is_told() -> None:
    sea = Sea(service(*ALL[:3], patient=Patience(silence=6.0)))
    sea.run(10.0)
    sea.strike(MuteData(7.0))
    sea.run(20.0)
    assert {event.stream for event in sea.of(Stale)} == set(ALL[:3])
    gaps = [gap for gap in sea.of(Gap) if gap.stream is not None]
    assert {gap.stream for gap in gaps} == set(ALL[:3])
    assert all(gap.cause.cause is Cause.STREAM_SILENT for gap in gaps)
    for gap in gaps:
        following = sea.items[sea.items.index(gap) + 1 :]
        first = next(item for item in following if isinstance(item, Update) and item.stream == gap.stream)
        assert first


def test_patience_is_the_users_to_set() -> None:
    sea = Sea(service("dead@trade", patient=Patience(first=5.0)), patience={"dead@*": Patience()})
    sea.run(600.0)
    assert not [event for event in sea.of(Stale) if event.stream]


def test_our_own_stall_is_nobodys_silence() -> None:
    sea = Sea(service(*ALL[:3], patient=Patience(silence=6.0)), rate=1.0)
    sea.run(10.0)
    sea.process.stall(60.0)
    sea.run(90.0)
    assert not sea.of(Stale)


# Gaps


def test_the_gap_of_a_reconnect_lasts_for_each_stream_until_it_is_acknowledged() -> None:
    sea = Sea(service(*ALL[:30], limits=STRICT, batch=5))
    sea.run(10.0)
    sea.strike(Reset())
    sea.run(20.0)
    acknowledged = {stream: event.at for event in sea.of(Subscribed) for stream in event.streams}
    whole, *single = sea.of(Gap)
    assert whole.stream is None
    until = {gap.stream: gap.until for gap in single}
    for stream, at in acknowledged.items():
        assert until.get(stream, whole.until) == at
    for gap in [whole, *single]:
        since_connected = sea.items[sea.items.index(sea.of(Connected)[1]) : sea.items.index(gap)]
        assert not any(isinstance(item, Update) and item.stream == gap.stream for item in since_connected)


def test_a_connection_that_brought_nothing_leaves_the_gap_open() -> None:
    sea = Sea(service(*ALL[:3]))
    sea.run(10.0)
    sea.strike(Reset())
    sea.run(0.75)  # connected again, perhaps, and nothing acknowledged
    sea.strike(LoseReplies(2.0))
    sea.strike(Reset())
    sea.run(30.0)
    first = sea.of(Disconnected)[0]
    gap = sea.of(Gap)[0]
    assert gap.since <= first.at


# Misuse


def test_what_cannot_be_asked_for_is_refused_and_changes_nothing() -> None:
    with pytest.raises(ConfigError, match="no spaces"):
        Sea(service("a b"))
    one = Sharding(max_connections=1)
    sea = Sea(service(ALL[0], limits=ServiceLimits(max_streams=2)), sharding=one)
    for bad in (["a b"], [5], list(ALL[1:3])):
        with pytest.raises(ConfigError):
            sea.fleet.subscribe(bad, sea.world.now)
    assert list(sea.fleet.stream_states()) == [ALL[0]]
    with pytest.raises(ConfigError, match="2"):
        Sea(service(*ALL[:3], limits=ServiceLimits(max_streams=2)), sharding=one)
    plain = World(1).make_fleet(FeedConfig.build("ws://example.com/", {}))
    with pytest.raises(LocalProtocolError, match="dialect"):
        plain.subscribe(["x"], 0.0)
    sea.process.close()
    with pytest.raises(FeedClosed):
        sea.subscribe(ALL[1])
    sea.run(10.0)
    assert isinstance(sea.items[-1], Closed)


# All at once

STEPS = st.one_of(
    st.tuples(st.just("subscribe"), st.sets(st.sampled_from(ALL), max_size=12)),
    st.tuples(st.just("unsubscribe"), st.sets(st.sampled_from(ALL), max_size=12)),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("lose replies"), st.integers(1, 8)),
    st.tuples(st.just("silence"), st.integers(1, 8)),
    st.tuples(st.just("stall"), st.integers(1, 8)),
    st.tuples(st.just("forget"), st.sampled_from(ALL)),
    st.tuples(st.just("run"), st.integers(1, 20)),
)


@given(
    st.lists(STEPS, max_size=14),
    st.sampled_from([1, 3, 10]),
    st.booleans(),
    st.sampled_from([0.0, 0.125]),
    st.integers(0, 9),
)
def test_in_the_end_what_is_wanted_is_what_is_served(steps, batch, strict, jitter, seed) -> None:
    rules = Rules(message_limit=(5, 1.0)) if strict else Rules()
    sea = Sea(
        service(*ALL[:4], batch=batch, **({"limits": STRICT} if strict else {})),
        rate=0.1,
        weather=Weather(delay=0.0625, jitter=jitter),
        rules=rules,
        seed=seed,
        subscribing=Subscribing(ack_timeout=3.0, max_asks=2, audit_every=20.0),
    )
    wanted = set(ALL[:4])
    for step, what in steps:
        if step == "subscribe":
            sea.subscribe(*sorted(what))
            wanted |= what
        elif step == "unsubscribe":
            sea.unsubscribe(*sorted(what))
            wanted -= what
        elif step == "cut":
            sea.strike(Reset())
        elif step == "lose replies":
            sea.strike(LoseReplies(what))
        elif step == "silence":
            sea.strike(GoSilent(what))
        elif step == "stall":
            sea.process.stall(what)
        elif step == "forget":
            sea.forget(what)
        else:
            sea.run(what / 2)
    sea.run(120.0)
    assert set(sea.fleet.stream_states().values()) <= {"subscribed"}
    assert set(sea.fleet.stream_states()) == wanted
    assert sea.served == wanted
    assert sea.closed_by == []
    events = [item for item in sea.items if isinstance(item, Event)]
    assert not any(isinstance(event, SubscriptionRefused) for event in events)
