"""The audit's judgement on hand-made sequences, above all those it must reject."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast import Cause, Failure, Gap
from holdfast.testing import Publication
from holdfast_cli.ledger import Audit, Entry, audit

GAP = Gap(9.0, 5.0, 8.5, Failure(Cause.RESET))
OTHER = Gap(19.0, 15.0, 18.0, Failure(Cause.EOF))


def publish(order: str) -> list[Publication]:
    """`"aab"`: a 1, a 2, b 1, a second apart."""
    return [Publication(stream, order[: at + 1].count(stream), float(at)) for at, stream in enumerate(order)]


def take(*taken: str | Gap) -> list[Entry]:
    """`"a1"` is message 1 of stream a."""
    return [entry if isinstance(entry, Gap) else (entry[0], int(entry[1:])) for entry in taken]


def held(order: str, *taken: str | Gap) -> Audit:
    audited = audit(publish(order), take(*taken))
    for one in audited.streams:
        assert one.published == one.received + one.lost
    return audited


def test_all_received() -> None:
    audited = held("aabab", "a1", "a2", "b1", "a3", "b2")
    assert [(one.stream, one.published, one.received, one.lost) for one in audited.streams] == [
        ("a", 3, 3, 0),
        ("b", 2, 2, 0),
    ]
    assert (audited.total.published, audited.total.received) == (5, 5)
    assert (audited.gaps, audited.invented) == ((), 0)


def test_a_loss_inside_a_declared_gap() -> None:
    audited = held("aaaa", "a1", GAP, "a4")
    assert (audited.total.declared, audited.total.undeclared) == (2, 0)
    assert [(one.gap, one.lost) for one in audited.gaps] == [(GAP, 2)]


def test_a_loss_without_a_gap_is_undeclared() -> None:
    total = held("aaaa", "a1", "a4").total
    assert (total.declared, total.undeclared) == (0, 2)


def test_a_gap_just_before_or_just_after_a_loss_does_not_declare_it() -> None:
    before = held("aaaa", "a1", GAP, "a2", "a4")
    after = held("aaaa", "a1", "a3", GAP, "a4")
    assert [one.total.undeclared for one in (before, after)] == [1, 1]
    assert [one.gaps[0].lost for one in (before, after)] == [0, 0]


def test_a_message_of_another_stream_ends_a_gap() -> None:
    # b 2 is the first message after the gap. What was published behind it was not lost in the gap.
    audited = held("abaaba", "a1", "b1", GAP, "b2", "a4")
    assert (audited.total.declared, audited.total.undeclared) == (2, 0)
    late = held("abaabaa", "a1", "b1", GAP, "b2", "a5")
    assert (late.total.declared, late.total.undeclared) == (2, 1)


def test_each_gap_has_its_own_losses() -> None:
    audited = held("aaaaaa", "a1", GAP, "a3", OTHER, "a6")
    assert [one.lost for one in audited.gaps] == [1, 2]
    assert audited.total.undeclared == 0


def test_two_gaps_without_a_message_between_count_a_loss_once() -> None:
    audited = held("aaaa", "a1", GAP, OTHER, "a4")
    assert [one.lost for one in audited.gaps] == [2, 0]
    assert audited.total.declared == 2


def test_a_gap_may_have_lost_nothing() -> None:
    assert [one.lost for one in held("aa", "a1", GAP, "a2").gaps] == [0]


def test_a_duplicate_is_no_second_message() -> None:
    total = held("aaa", "a1", "a2", "a2", "a3").total
    assert (total.received, total.duplicated, total.lost, total.displaced) == (3, 1, 0, 0)


def test_a_replay_after_a_gap_is_duplicated_and_ends_the_gap() -> None:
    total = held("aaaaa", "a1", "a2", GAP, "a2", "a5").total
    assert (total.duplicated, total.declared, total.undeclared) == (1, 0, 2)


def test_disorder_is_not_loss() -> None:
    total = held("aaaa", "a1", "a3", "a2", "a4").total
    assert (total.displaced, total.lost, total.received) == (1, 0, 4)


def test_everything_behind_the_latest_message_is_displaced() -> None:
    assert held("aaaa", "a1", "a4", "a2", "a3").total.displaced == 2


def test_disorder_between_streams_counts_too() -> None:
    assert held("abab", "a1", "a2", "b1", "b2").total.displaced == 1


def test_what_was_never_published_is_invented() -> None:
    audited = held("aa", "a1", "a7", "a2", "z1")
    assert audited.invented == 2
    assert audited.total.lost == 0


def test_what_came_before_the_first_message_does_not_count() -> None:
    total = held("abaab", "a2", "a3", "b2").total
    assert (total.published, total.received, total.lost) == (3, 3, 0)


def test_a_gap_before_the_first_message_declares_nothing() -> None:
    total = held("aaa", GAP, "a2", "a3").total
    assert (total.published, total.lost) == (2, 0)


def test_what_is_missing_at_the_end_is_lost() -> None:
    assert held("aaa", "a1", "a2").total.undeclared == 1
    assert held("aaa", "a1", "a2", GAP).total.declared == 1


def test_who_received_nothing_lost_everything() -> None:
    audited = held("aab")
    assert [one.undeclared for one in audited.streams] == [2, 1]
    assert audited.total.received == 0


@given(st.text("abc", min_size=1, max_size=30), st.data())
def test_whatever_is_left_out_is_found(order: str, data: st.DataObject) -> None:
    """Against the definition, told another way: keep each message or not, declare a gap before it or not."""
    published = publish(order)
    kept = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    gap_before = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    log: list[Entry] = []
    declared = undeclared = skipped = 0
    gap_seen = started = False
    for message, keep, gap in zip(published, kept, gap_before, strict=True):
        if gap:
            log.append(GAP)
            gap_seen = True
        if not keep:
            skipped += started
            continue
        log.append((message.stream, message.sequence))
        declared += skipped if gap_seen else 0
        undeclared += 0 if gap_seen else skipped
        skipped, gap_seen, started = 0, False, True
    declared += skipped if gap_seen else 0
    undeclared += 0 if gap_seen else skipped
    if not started:
        declared, undeclared = (len(order), 0) if any(gap_before) else (0, len(order))
    audited = audit(published, log)
    assert (audited.total.declared, audited.total.undeclared) == (declared, undeclared)
    assert sum(one.lost for one in audited.gaps) == declared
    assert (audited.total.duplicated, audited.total.displaced, audited.invented) == (0, 0, 0)
