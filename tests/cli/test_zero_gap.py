"""`holdfast demo --rotate` and `--legs`: on real sockets nothing is lost, nothing repeated; and flaws are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from holdfast import Cause, Failure, Gap, GaveUp, Rotated
from holdfast.testing import FaultRecord, Publication, ResetOne, Stream
from holdfast_cli import zero_gap
from holdfast_cli.commands import holdfast
from holdfast_cli.demo_report import print_report, report_json
from holdfast_cli.zero_gap.account import audit_streams
from holdfast_cli.zero_gap.plan import Plan
from holdfast_cli.zero_gap.report import report_of
from holdfast_cli.zero_gap.run import Outcome
from holdfast_cli.zero_gap.verdict import problems, sentence
from testing.link import stats

TRANSPORTS = pytest.mark.parametrize("transport", ["asyncio", "trio"])
FEW = tuple(Stream(f"x{number:02}usdt@trade", 20.0) for number in range(20))


def run(*arguments: str) -> dict[str, object]:
    """What it reports."""
    result = CliRunner().invoke(holdfast, ["demo", "--json", *arguments])
    report = json.loads(result.stdout)
    assert result.exit_code == (0 if report["ok"] else 1), result.output
    return report


def shortened(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    monkeypatch.setattr(Plan, "of_rotations", lambda seconds: plan)
    monkeypatch.setattr(Plan, "of_cuts", lambda seconds, legs: replace(plan, legs=legs))


@TRANSPORTS
def test_rotations_lose_nothing_and_repeat_nothing(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shortened(monkeypatch, Plan(2.0, rotations=(0.5, 0.8, 1.1, 1.4), streams=FEW))
    report = run("--rotate", "--transport", transport)
    assert report["problems"] == []
    assert len(report["rotations"]) == 4
    assert report["connections"] == 5
    assert report["total"]["received"] == report["total"]["published"] > 500


@TRANSPORTS
def test_two_legs_lose_nothing_when_one_is_cut(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shortened(monkeypatch, Plan(2.8, cuts=(0.6, 1.4, 2.2), cut_ones=(0, 0, 1), streams=FEW))
    report = run("--legs", "2", "--transport", transport)
    assert report["problems"] == []
    assert [fault["hits"] for fault in report["faults"]] == [1, 1, 1]
    assert (report["gaps"], len(report["legs"])) == ([], 2)
    assert report["total"]["received"] == report["total"]["published"] > 800
    assert sum(leg["first"] for leg in report["legs"]) == report["total"]["received"]


@TRANSPORTS
def test_one_leg_declares_what_each_cut_costs(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shortened(monkeypatch, Plan(2.0, cuts=(0.5, 1.3), cut_ones=(0, 0), streams=FEW))
    report = run("--legs", "1", "--transport", transport)
    assert report["problems"] == []
    assert report["total"]["lost"] == report["total"]["declared"] > 0
    assert {gap["cause"] for gap in report["gaps"]} <= {"reset", "eof"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rotate", "--legs", "2"], "--exchange, --fleet, --rotate and --legs are demos of their own: choose one"),
        (["--legs", "2", "--exchange", "okx"], "demos of their own"),
        (["--legs", "5"], "5 is not in the range 1<=x<=4"),
        (["--rotate", "--seconds", "9"], "9: the script needs 10 to 600 seconds"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(holdfast, ["demo", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


def test_plans() -> None:
    assert len(Plan.of_rotations(60.0).rotations) == 10
    plan = Plan.of_cuts(60.0, 2)
    assert len(plan.cuts) == 29
    assert set(plan.cut_ones) == {0, 1}
    assert {later - earlier for earlier, later in zip(plan.cuts, plan.cuts[1:], strict=False)} == {2.0}
    assert sum(stream.rate for stream in plan.streams) == 2000
    assert zero_gap.SECONDS == 60.0


# The verdict: each flaw in the evidence is found

CUT = Failure(Cause.RESET, "by peer")
GAP = Gap(4.0, 2.0, 3.5, CUT)
PUBLISHED = [Publication(stream, number, number / 2) for number in range(1, 6) for stream in ("a@trade", "b@trade")]
ALL = [one[:2] for one in PUBLISHED]
ONE_LEG = stats(state="open")
OPEN = replace(ONE_LEG.legs[0], state="open")
ROTATED = Outcome(
    transport="asyncio",
    plan=Plan(9.0, rotations=(1.0,)),
    published=PUBLISHED,
    forgotten=0,
    faults=[],
    log=[*ALL],
    rotated=[Rotated(2.0, 2, 1, 0.5)],
    stats=replace(ONE_LEG, legs=(OPEN,)),
    drained=True,
    gave_up=None,
)
HITS = [FaultRecord(ResetOne(), 2.0, 1, hits=1)]
CUT_ONCE = replace(
    ROTATED,
    plan=Plan(9.0, cuts=(2.0,), cut_ones=(0,)),
    faults=HITS,
    log=[*ALL[:4], GAP, *ALL[6:]],
    rotated=[],
    stats=replace(ROTATED.stats, losses={"reset": 1}),
)
Change = Callable[[Outcome], Outcome]


def found_in(outcome: Outcome) -> list[str]:
    return problems(outcome, audit_streams(outcome.published, outcome.log))


def test_all_is_well() -> None:
    assert found_in(ROTATED) == found_in(CUT_ONCE) == []
    assert sentence(CUT_ONCE, audit_streams(CUT_ONCE.published, CUT_ONCE.log), []) == (
        "Held: all 2 messages lost in 1 cuts lie in 1 declared gaps; of 8 none came twice."
    )


def test_streams_may_overtake_each_other() -> None:
    assert found_in(replace(ROTATED, log=sorted(ALL))) == []


def test_what_came_before_the_first_message_was_not_missed() -> None:
    assert found_in(replace(ROTATED, log=ALL[2:])) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda good: replace(good, log=[*ALL[:4], *ALL[5:]]), ["messages lost outside of every declared gap: 1"]),
        (lambda good: replace(good, log=ALL[:9]), ["messages lost outside of every declared gap: 1"]),
        (lambda good: replace(good, log=[ALL[0], *ALL[2:]]), ["messages lost outside of every declared gap: 1"]),
        (lambda good: replace(good, log=[*ALL, ALL[3]]), ["messages delivered twice: 1"]),
        (
            lambda good: replace(good, log=[*ALL[:4], ALL[6], ALL[4], ALL[5], *ALL[7:]]),
            ["messages delivered out of order: 1"],
        ),
        (lambda good: replace(good, log=[*ALL, ("c@trade", 1)]), ["messages delivered that were never published: 1"]),
        (lambda good: replace(good, log=[*ALL, ("a@trade", 6)]), ["messages delivered that were never published: 1"]),
        (
            lambda good: replace(good, log=[]),
            ["no message was received", "messages lost outside of every declared gap: 10"],
        ),
        (lambda good: replace(good, log=[*ALL, GAP]), ["a gap of 1.5 s was declared: connection reset: by peer"]),
        (lambda good: replace(good, rotated=[]), ["0 rotations of 1 were carried through"]),
        (
            lambda good: replace(good, stats=replace(good.stats, losses={"eof": 1})),
            ["1 connections were lost or dialled in vain, and 0 were cut"],
        ),
        (lambda good: replace(good, forgotten=3), ["the exchange forgot 3 messages, so the ledger is not whole"]),
        (lambda good: replace(good, stats=ONE_LEG), ["0 of 1 connections were open at the end"]),
        (lambda good: replace(good, drained=False), ["the last messages never arrived"]),
        (
            lambda good: replace(good, gave_up=GaveUp(Failure(Cause.HTTP, status=404), "nothing there")),
            ["the feed gave up: HTTP 404 Not Found (nothing there)"],
        ),
    ],
)
def test_each_flaw_is_found(change: Change, expected: list[str]) -> None:
    assert found_in(change(ROTATED)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda good: replace(good, log=[*ALL[:4], replace(GAP, stream="a@trade"), *ALL[6:]]),
            ["messages lost outside of every declared gap: 1"],
        ),
        (
            lambda good: replace(good, log=[*ALL[:4], replace(GAP, cause=Failure(Cause.NO_DATA)), *ALL[6:]]),
            ["a gap is put down to 'no data', and was a cut"],
        ),
        (lambda good: replace(good, log=ALL), ["gaps were declared for 0 losses, and there were 1 cuts"]),
        (
            lambda good: replace(good, log=[*good.log, replace(GAP, since=3.0)]),
            ["gaps were declared for 2 losses, and there were 1 cuts"],
        ),
        (
            lambda good: replace(good, faults=[replace(HITS[0], hits=0)]),
            ["0 cuts of 1 hit a connection", "1 connections were lost or dialled in vain, and 0 were cut"],
        ),
    ],
)
def test_each_flaw_of_one_leg_is_found(change: Change, expected: list[str]) -> None:
    assert found_in(change(CUT_ONCE)) == expected


def test_the_report() -> None:
    report = report_of(CUT_ONCE)
    assert report.problems == []
    console = Console(file=StringIO(), width=80)
    print_report(console, report)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert ["total", "10", "8", "2", "2", "0", "0"] in [line.split() for line in lines]
    told = json.loads(report_json(report_of(ROTATED)))
    assert (told["ok"], told["rotations"], told["gaps"]) == (True, [0.5], [])
    assert told["legs"][0]["state"] == "open"
