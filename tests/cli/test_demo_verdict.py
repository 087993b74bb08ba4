"""The verdict: what must be rejected is, one fault in the evidence at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from holdfast import Cause, Failure, Gap, GaveUp
from holdfast.testing import FaultRecord, IgnorePings, Publication, RefuseDials, Reset
from holdfast_cli.demo_report import print_report, report_json, report_of
from holdfast_cli.demo_run import Outcome
from holdfast_cli.demo_script import Scene, Script
from holdfast_cli.demo_verdict import problems, sentence
from holdfast_cli.ledger import audit
from testing.link import stats

CUT = Failure(Cause.RESET, "by peer")
GAP = Gap(4.0, 2.0, 3.5, CUT)
STATS = stats(state="open")
SCRIPT = Script(
    9.0,
    (
        Scene(2.0, RefuseDials(2.0, 429, retry_after=2)),
        Scene(2.0, Reset(), frozenset({Cause.RESET, Cause.EOF})),
        Scene(5.0, IgnorePings(2.0)),
    ),
)
GOOD = Outcome(
    transport="asyncio",
    script=SCRIPT,
    published=[Publication("a@trade", number, number / 2) for number in range(1, 7)],
    forgotten=0,
    faults=[FaultRecord(scene.fault, scene.at, 1, hits=1) for scene in SCRIPT.scenes],
    log=[("a@trade", 1), ("a@trade", 2), GAP, ("a@trade", 5), ("a@trade", 6)],
    stats=STATS,
    drained=True,
    gave_up=None,
)
Change = Callable[[Outcome], Outcome]


def found_in(outcome: Outcome) -> list[str]:
    return problems(outcome, audit(outcome.published, outcome.log))


def test_all_is_well() -> None:
    audited = audit(GOOD.published, GOOD.log)
    assert problems(GOOD, audited) == []
    assert sentence([], audited) == (
        "Held: all 2 lost messages lie in the 1 declared gaps, nothing came twice or out of order, "
        "and the feed was open at the end."
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda good: replace(good, log=[("a@trade", 1), GAP, ("a@trade", 2), ("a@trade", 5), ("a@trade", 6)]),
            ["messages lost outside of every declared gap: 2"],
        ),
        (lambda good: replace(good, log=[*good.log, ("a@trade", 6)]), ["messages delivered twice: 1"]),
        (
            lambda good: replace(good, log=[("a@trade", 2), ("a@trade", 1), *good.log[2:]]),
            ["messages delivered out of order: 1"],
        ),
        (
            lambda good: replace(good, log=[*good.log, ("z@trade", 6)]),
            ["messages delivered that were never published: 1"],
        ),
        (
            lambda good: replace(good, log=[GAP]),
            ["no message was received"],
        ),
        (
            lambda good: replace(good, log=[*good.log[:-1], GAP, ("a@trade", 6)]),
            ["2 gaps were declared for 1 cuts"],
        ),
        (
            lambda good: replace(good, log=[*good.log[:2], replace(GAP, cause=Failure(Cause.NO_DATA)), *good.log[3:]]),
            ["gap 1 is put down to 'no data', and was eof or reset"],
        ),
        (
            lambda good: replace(good, faults=[*good.faults[:2], replace(good.faults[2], hits=0)]),
            ["the exchange answers no pings for 2 s, but sends data, and it touched nothing"],
        ),
        (lambda good: replace(good, faults=good.faults[:2]), ["2 faults of 3 happened"]),
        (lambda good: replace(good, faults=[replace(good.faults[0], hits=2), *good.faults[1:]]), []),
        (
            lambda good: replace(good, faults=[replace(good.faults[0], hits=3), *good.faults[1:]]),
            ["the feed dialled sooner than Retry-After allowed"],
        ),
        (
            lambda good: replace(good, forgotten=3),
            ["the exchange forgot 3 messages, so the ledger is not whole"],
        ),
        (
            lambda good: replace(good, stats=replace(STATS, state="waiting")),
            ["the feed was waiting at the end, not open"],
        ),
        (lambda good: replace(good, drained=False), ["the last message never arrived"]),
        (
            lambda good: replace(good, gave_up=GaveUp(Failure(Cause.HTTP, status=404), "nothing there")),
            ["the feed gave up: HTTP 404 Not Found (nothing there)"],
        ),
    ],
)
def test_each_flaw_is_found(change: Change, expected: list[str]) -> None:
    assert found_in(change(GOOD)) == expected


def test_a_failed_verdict_names_every_problem() -> None:
    broken = replace(GOOD, drained=False, stats=replace(STATS, state="closed"))
    verdict = sentence(found_in(broken), audit(broken.published, broken.log))
    assert verdict == "FAILED: the feed was closed at the end, not open; the last message never arrived."


def test_the_report_for_people() -> None:
    console = Console(file=StringIO(), width=80)
    audited = audit(GOOD.published, GOOD.log)
    print_report(console, report_of(GOOD, audited, []))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert ["a@trade", "6", "4", "2", "2", "0", "0"] in [line.split() for line in lines]
    assert ["total", "6", "4", "2", "2", "0", "0"] in [line.split() for line in lines]
    assert ["1", "1.50", "s", "2", "connection", "reset:", "by", "peer"] in [line.split() for line in lines]
    assert " ".join(lines).endswith("the feed was open at the end.")
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)


def test_the_report_for_programs() -> None:
    audited = audit(GOOD.published, GOOD.log)
    line = report_json(report_of(GOOD, audited, ["something"]))
    assert "\n" not in line
    report = json.loads(line)
    assert (report["ok"], report["problems"]) == (False, ["something"])
    assert report["verdict"] == "FAILED: something."
    counts = {"published": 6, "received": 4, "lost": 2, "declared": 2, "undeclared": 0, "duplicated": 0}
    assert report["streams"] == {"a@trade": counts}
    assert report["total"] == counts
    assert report["gaps"] == [{"duration": 1.5, "cause": "reset", "text": "connection reset: by peer", "lost": 2}]
    assert [fault["hits"] for fault in report["faults"]] == [1, 1, 1]
    assert json.loads(report_json(report_of(GOOD, audited, [])))["ok"] is True
