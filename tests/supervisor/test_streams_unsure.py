"""Desired state where it is hard to say what there is: no answers, changes of mind, pauses, unseen silence."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from helpers.combined import STRICT, Combined, service
from helpers.sea import ALL, LoseReplies, Sea
from holdfast import Disconnected, Gap, Limits, Patience, Service, Stale, Subscribing, Update
from holdfast.dialects.words import Reading, Refused, Reply
from holdfast.supervisor.subscriptions import Subscriptions
from holdfast.testing import MuteData, Reset
from holdfast.testing.world import Weather
from holdfast.wire import CLOSE, TEXT, close_payload, server_frame

URL = "ws://example.com/stream"


def the_gap_of(sea: Sea, stream: str) -> Gap:
    """The only one of this stream; none of its messages comes between the loss and it."""
    [gap] = [gap for gap in sea.of(Gap) if gap.stream == stream]
    return gap


def hush(sea: Sea, *streams: str) -> None:
    """The service publishes these no more, to nobody, and does not say so."""
    publish = sea.exchange._publish
    sea.exchange._publish = lambda one, now: None if one.stream in streams else publish(one, now)


def speak(sea: Sea) -> None:
    del sea.exchange._publish


def run_until_stale(sea: Sea, count: int) -> None:
    sea.world.run(600.0, stop=lambda: len(sea.of(Stale)) >= count)
    assert len(sea.of(Stale)) == count


# Answers that never come


def test_what_may_have_been_dropped_is_asked_for_anew() -> None:
    """The service drops it, nobody says so, and it is wanted again."""
    sea = Sea(service(*ALL[:3]), subscribing=Subscribing(ack_timeout=2.0, audit_every=None))
    sea.run(5.0)
    sea.strike(LoseReplies(1.0))
    sea.unsubscribe(ALL[0])
    sea.subscribe(ALL[0])
    sea.run(10.0)
    assert sea.fleet.stream_states()[ALL[0]] == "subscribed"
    assert sea.served == set(ALL[:3])


def test_what_may_be_there_and_is_not_wanted_any_more_is_dropped() -> None:
    sea = Sea(service(ALL[0]), subscribing=Subscribing(ack_timeout=2.0, audit_every=None))
    sea.run(5.0)
    sea.strike(LoseReplies(1.0))
    sea.subscribe(ALL[1])
    sea.unsubscribe(ALL[1])
    sea.run(10.0)
    assert sea.served == {ALL[0]}


def test_a_refusal_is_an_answer() -> None:
    """Those that came to nothing before it do not count any more."""
    wanted = dict.fromkeys(ALL[:1])
    subscriptions = Subscriptions(Combined(), wanted, Subscribing(ack_timeout=2.0, max_asks=2), (), 0.0)
    subscriptions.next_request(0.0)
    assert subscriptions.overdue(2.0) == []
    subscriptions.next_request(2.0)
    subscriptions.refuse(Refused("no", 2))
    subscriptions.forgive(ALL[:1])
    subscriptions.changed()
    subscriptions.next_request(3.0)
    assert subscriptions.overdue(5.0) == []


def test_a_service_is_not_left_for_answers_that_we_did_not_read() -> None:
    setting = Subscribing(ack_timeout=2.0, max_asks=2)
    sea = Sea(service(*ALL[:20]), subscribing=setting, limits=Limits(max_queue_size=2000))
    sea.run(5.0)
    sea.process.consumer_pause = 30.0
    sea.run(5.0)
    sea.subscribe(ALL[20])
    sea.run(60.0)
    assert not sea.of(Disconnected)
    sea.process.consumer_pause = 0.0
    sea.run(60.0)
    assert sea.fleet.stream_states()[ALL[20]] == "subscribed"


def test_a_question_beside_a_close_is_not_answered() -> None:
    @dataclass(frozen=True)
    class Asking(Combined):
        def read(self, message: str | bytes) -> Reading:
            return Reply("answer") if message == "question" else super().read(message)

    sea = Sea(Service(Asking(), URL, ALL[:1]))
    sea.run(5.0)
    [socket] = sea.process.sockets.values()
    assert socket.link is not None
    socket.link.downward.put(server_frame(TEXT, b"question") + server_frame(CLOSE, close_payload(1001)))
    sea.run(20.0)
    assert [lost.failure.code for lost in sea.of(Disconnected)] == [1001]
    assert sea.fleet.stream_states()[ALL[0]] == "subscribed"


# Changes of mind


def test_what_the_url_asks_for_is_dropped_when_it_is_not_wanted_any_more() -> None:
    sea = Sea(service(*ALL[:2], url=f"{URL}?streams={ALL[0]}/{ALL[1]}"), subscribing=Subscribing(audit_every=None))
    sea.run(5.0)
    sea.unsubscribe(ALL[1])
    sea.run(5.0)
    sea.strike(Reset())
    sea.run(10.0)
    assert sea.served == {ALL[0]}


def test_who_wants_a_stream_again_before_it_was_dropped_has_it_watched() -> None:
    sea = Sea(service(*ALL[:30], limits=STRICT, batch=1, patient=Patience(silence=6.0)))
    sea.run(2.0)
    assert sea.fleet.stream_states()[ALL[0]] == "subscribed"
    sea.unsubscribe(ALL[0])
    sea.subscribe(ALL[0])
    hush(sea, ALL[0])
    sea.run(10.0)
    assert ALL[0] in [stale.stream for stale in sea.of(Stale)]


# Silence


def test_patience_after_the_first_message_may_be_shorter_than_before() -> None:
    sea = Sea(service(ALL[0], patient=Patience(first=600.0, silence=6.0)))
    sea.run(10.0)
    hush(sea, ALL[0])
    sea.run(10.0)
    [stale] = [stale for stale in sea.of(Stale) if stale.stream]
    assert 6.0 <= stale.silent < 8.0


def test_patience_that_grew_is_what_it_was_after_the_next_message() -> None:
    sea = Sea(service(*ALL[:2], patient=Patience(silence=6.0)))
    sea.run(10.0)
    hush(sea, ALL[0])
    run_until_stale(sea, 3)
    speak(sea)
    sea.run(20.0)
    hush(sea, ALL[0])
    run_until_stale(sea, 4)
    assert sea.of(Stale)[3].silent < 8.0


# Gaps


def test_what_an_audit_finds_missing_is_a_gap() -> None:
    sea = Sea(service(*ALL[:3]), subscribing=Subscribing(audit_every=10.0))
    sea.run(5.0)
    sea.forget(ALL[0])
    since = max(sea.exchange.published_at(ALL[0], number) for number in range(1, 6))
    sea.run(20.0)
    gap = the_gap_of(sea, ALL[0])
    assert gap.since <= since + 1.0
    assert gap.until >= gap.since + 5.0
    before, behind = sea.items[: sea.items.index(gap)], sea.items[sea.items.index(gap) + 1 :]
    assert len([item for item in before if isinstance(item, Update) and item.stream == ALL[0]]) <= 6
    assert isinstance(behind[0], Update)
    assert behind[0].stream == ALL[0]


def test_asking_anew_loses_messages_and_says_so() -> None:
    """The stream goes on just after it was called silent; then it is dropped, and asked for anew."""
    sea = Sea(service(ALL[0], patient=Patience(silence=6.0)), rate=10.0, weather=Weather(delay=0.5))
    sea.run(10.0)
    sea.strike(MuteData(60.0))
    run_until_stale(sea, 1)
    sea.exchange.forgive(sea.world.now)
    sea.run(10.0)
    numbers = [int(update.json()["data"]["t"]) for update in sea.of(Update) if update.stream == ALL[0]]
    holes = sum(after > before + 1 for before, after in pairwise(numbers))
    gaps = [gap for gap in sea.of(Gap) if gap.stream == ALL[0]]
    assert 2 <= holes <= len(gaps)


def test_a_stall_of_ours_does_not_shorten_a_gap() -> None:
    sea = Sea(service(*ALL[:2], patient=Patience(silence=6.0)))
    sea.run(10.0)
    last = max(sea.exchange.published_at(ALL[0], number) for number in range(1, 10))
    hush(sea, ALL[0])
    sea.run(2.0)
    sea.process.stall(30.0)
    sea.run(50.0)
    speak(sea)
    sea.run(20.0)
    assert the_gap_of(sea, ALL[0]).since <= last + 2.0


def test_a_stream_that_is_heard_before_its_acknowledgement_has_its_gap_before_that() -> None:
    sea = Sea(service(*ALL[:30], limits=STRICT, batch=5), rate=5.0, subscribing=Subscribing(ack_timeout=5.0))
    sea.run(20.0)
    sea.strike(Reset())
    count = len(sea.items)
    sea.run(1.5)
    sea.strike(LoseReplies(6.0))
    sea.run(30.0)
    since = sea.items[count:]
    [whole] = [item for item in since if isinstance(item, Gap) and item.stream is None]
    for stream in ALL[:30]:
        first = next(at for at, item in enumerate(since) if isinstance(item, Update) and item.stream == stream)
        gaps = [at for at, item in enumerate(since) if isinstance(item, Gap) and item.stream == stream]
        assert first > since.index(whole)
        assert all(at < first for at in gaps)


def test_a_stream_that_is_new_has_no_part_in_an_older_gap() -> None:
    sea = Sea(service(*ALL[:2]))
    sea.run(10.0)
    sea.strike(Reset())
    sea.run(20.0)
    sea.subscribe(ALL[5])
    sea.run(10.0)
    assert not [gap for gap in sea.of(Gap) if gap.stream == ALL[5]]
