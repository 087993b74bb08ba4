"""The verdict on a feed at an exchange: each flaw is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast import Cause, Disconnected, Failure, Gap, GaveUp
from holdfast.testing import ConnectionRecord, FaultRecord, Publication, Reset
from holdfast_cli.exchange_demo.ledger import Declared, Entry, Held, Taken, Wanted, audit
from holdfast_cli.exchange_demo.plan import Cut, Plan
from holdfast_cli.exchange_demo.report import report_of
from holdfast_cli.exchange_demo.run import Account, Outcome
from holdfast_cli.exchange_demo.verdict import problems, sentence
from testing.link import stats

A, B = "a@trade", "b@trade"
RESET, CLOSED = Failure(Cause.RESET), Failure(Cause.CLOSED, code=1001)
STATS = replace(stats(), state="open")
# Number n of each stream at n seconds.
PUBLISHED = [Publication(stream, number, float(number)) for number in range(1, 8) for stream in (A, B)]


def gap(since: float, until: float, stream: str | None = None, failure: Failure = RESET) -> Declared:
    return Declared(Gap(until, since, until, failure, stream=stream), until)


def took(*numbers: int) -> list[Entry]:
    return [Taken(stream, number) for number in numbers for stream in (A, B)]


LOG: list[Entry] = [Wanted((A, B)), Held((A, B), 0.5), *took(1, 2), gap(2.0, 4.5), gap(2.0, 5.5, B), Taken(A, 5)]
LOG += took(6, 7)
GOOD = Outcome(
    "asyncio",
    Plan(10.0, (A, B), (Cut(3.0, Reset(), frozenset({Cause.RESET})),)),
    Account(
        PUBLISHED,
        forgotten=0,
        held=[frozenset({A, B, "heartbeats"})],
        connections=[ConnectionRecord(1, 0.0), ConnectionRecord(2, 4.0)],
        dials_over_limit=0,
        faults=[FaultRecord(Reset(), 3.0, 1, hits=1)],
    ),
    [(one, one.sequence) for one in PUBLISHED],
    LOG,
    wanted=frozenset({A, B}),
    always=frozenset({"heartbeats"}),
    states={A: "subscribed", B: "subscribed"},
    given_up=0,
    lost=[Disconnected(3.0, 1, RESET, 3.0)],
    refused=[],
    unreadable=0,
    stats=STATS,
    gave_up=None,
)


def found_in(outcome: Outcome) -> list[str]:
    return problems(outcome, audit(outcome.published, outcome.log))


def with_account(**changes: object) -> Outcome:
    return replace(GOOD, account=replace(GOOD.account, **changes))  # type: ignore[arg-type]


def test_the_good_one_is_held() -> None:
    audited = audit(GOOD.published, GOOD.log)
    assert problems(GOOD, audited) == []
    assert sentence([], GOOD, audited).startswith(
        "Held: the service has exactly the 2 streams that are wanted, all 5 lost messages lie in declared gaps,"
    )


def test_gaps_of_single_streams_are_told_with_the_cut_that_they_belong_to() -> None:
    report = report_of("binance", GOOD, audit(GOOD.published, GOOD.log), [])
    [account] = report.audited.gaps
    assert (account.gap.since, account.gap.until, account.lost) == (2.0, 5.5, 5)
    assert report.extra["held"] == [2]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (with_account(held=[frozenset({A})]), "wanted, and the service has them not: b@trade"),
        (with_account(held=[frozenset({A, B, "c"})]), "not wanted, and the service has them: c"),
        (with_account(held=[]), "0 connections were open at the end"),
        (with_account(held=[frozenset({A, B})] * 2), "2 connections were open at the end"),
        (replace(GOOD, states={A: "subscribed", B: "asked"}), "not acknowledged at the end: b@trade"),
        (replace(GOOD, states={A: "subscribed"}), "the feed has 1 streams, and 2 are wanted"),
        (
            replace(GOOD, log=[entry for entry in LOG if not isinstance(entry, Taken) or entry.stream == A]),
            "without a message: b@trade",
        ),
        (
            replace(GOOD, log=[entry for entry in LOG if not isinstance(entry, Declared) or entry.gap.stream is None]),
            "messages lost outside of every declared gap: 1",
        ),
        (replace(GOOD, log=[*LOG, Taken(A, 7)]), "messages delivered twice: 1"),
        (replace(GOOD, log=[*LOG, Taken(A, 3)]), "messages delivered out of order: 1"),
        (replace(GOOD, log=[*LOG, Taken(A, 99)]), "messages delivered that were never published: 1"),
        (
            with_account(connections=[ConnectionRecord(1, 0.0, closed_by="message_limit")]),
            "the service closed connection 1 under its rule message_limit",
        ),
        (with_account(dials_over_limit=2), "dials beyond the limit: 2"),
        (replace(GOOD, refused=["b", "a"]), "refused: a, b"),
        (replace(GOOD, unreadable=3), "messages that make no sense: 3"),
        (with_account(faults=[]), "0 cuts of 1 happened"),
        (
            with_account(faults=[FaultRecord(Reset(), 3.0, 0)]),
            "the exchange resets every connection, and that cut 0",
        ),
        (replace(GOOD, lost=[]), "0 connections were lost for 1 cuts"),
        (
            replace(GOOD, lost=[Disconnected(3.0, 1, CLOSED, 3.0)]),
            "connections were lost, number 1 for 'closed', and it was reset",
        ),
        (replace(GOOD, log=[*LOG, gap(7.0, 8.0)]), "2 gaps were declared for 1 cuts"),
        (
            replace(GOOD, log=[*LOG, gap(7.0, 8.0, A, Failure(Cause.STREAM_SILENT))]),
            "gaps were declared for what did not happen: stream_silent",
        ),
        (with_account(forgotten=1), "the exchange forgot 1 messages, so the ledger is not whole"),
        (replace(GOOD, gave_up=GaveUp(RESET, "enough")), "the feed gave up: connection reset (enough)"),
        (replace(GOOD, stats=replace(STATS, state="waiting")), "the feed was waiting at the end, not open"),
    ],
)
def test_each_flaw_is_found(outcome: Outcome, expected: str) -> None:
    found = found_in(outcome)
    assert expected in found
    assert sentence(found, outcome, audit(outcome.published, outcome.log)).startswith("FAILED: ")


def test_long_lists_are_cut() -> None:
    outcome = replace(GOOD, refused=[f"s{number}" for number in range(10)])
    assert found_in(outcome) == ["refused: s0, s1, s2 and 7 more"]
