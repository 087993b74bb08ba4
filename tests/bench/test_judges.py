"""What stands between the independent judges and us: the clients' audit, the verdicts, the record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.judges.audit import Audit, Figures
from bench.judges.autobahn import why_not_strict
from bench.judges.client import Backend, follow
from bench.judges.faults import outcome
from bench.judges.record import replaced
from bench.judges.scenarios import GROUPS, LEFT_OUT, NOT_IN_A_GAP, SENT_TWICE

from holdfast import Cause, Event, Failure, Gap, Update

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = {
    "each": False, "ca": None, "ping_interval": 0.5, "ping_timeout": 0.5, "stale_after": 1.5, "backoff_min": 0.1,
    "backoff_max": 1.0, "open_timeout": 1.5, "close_timeout": 0.5,
}  # fmt: skip


def trade(number: int, stream: str = "a") -> str:
    """One every 0.1 s."""
    return json.dumps({"stream": stream, "data": {"t": number, "mono": number / 10}})


def audited(*items: str | tuple[float, float] | tuple[float, float, str]) -> Figures:
    """Messages, and gaps as (since, until) or (since, until, stream)."""
    audit = Audit()
    for item in items:
        if isinstance(item, str):
            audit.message(item)
        else:
            audit.gap(*item)
    return audit.figures


# The audit


def test_nothing_is_missing() -> None:
    assert audited(trade(1), trade(2), '{"result": null, "id": 1}', trade(3)) == Figures(received=3)


def test_what_is_skipped_without_a_gap_is_not_declared() -> None:
    assert audited(trade(1), trade(4)).undeclared == 2


def test_a_gap_declares_what_is_skipped_around_it() -> None:
    figures = audited(trade(1), trade(1, "b"), (0.1, 0.4), trade(4), trade(5, "b"))
    assert (figures.declared, figures.undeclared) == (5, 0)


def test_a_gap_declares_nothing_that_is_skipped_later_or_was_before() -> None:
    assert audited(trade(1), (0.1, 0.2), trade(2), trade(4)).undeclared == 1
    assert audited(trade(1), trade(3), (0.3, 0.4), trade(4)).undeclared == 1


def test_a_stream_that_was_quiet_keeps_the_gaps_since_its_own_last_message() -> None:
    figures = audited(trade(1), trade(1, "b"), (0.1, 0.4), trade(4), trade(5), trade(5, "b"))
    assert (figures.declared, figures.undeclared) == (5, 0)


def test_a_gap_in_one_stream_declares_nothing_of_another() -> None:
    figures = audited(trade(1), trade(1, "b"), (0.1, 0.4, "b"), trade(4), trade(4, "b"))
    assert (figures.declared, figures.undeclared) == (2, 2)


def test_how_far_a_lost_message_lies_outside_of_its_gap() -> None:
    assert audited(trade(1), (0.15, 0.45), trade(5)).outside == 0.0
    assert audited(trade(1), (0.25, 0.45), trade(5)).outside == pytest.approx(0.05)
    assert audited(trade(1), (0.15, 0.2), trade(5)).outside == pytest.approx(0.2)


def test_what_nobody_can_read_stands_for_a_number() -> None:
    figures = audited(trade(1), "<html>", trade(3), trade(5))
    assert (figures.garbled, figures.undeclared) == (1, 1)


def test_a_number_that_is_not_above_the_one_before_is_repeated() -> None:
    figures = audited(trade(1), trade(2), trade(2), trade(1), trade(3))
    assert (figures.repeated, figures.undeclared) == (2, 0)


# The client


class FakeFeed:
    def __init__(self, *items: Update | Event) -> None:
        self._items = items

    async def items(self) -> AsyncIterator[Update | Event]:
        for item in self._items:
            yield item


async def followed(feed: FakeFeed, opened: list[int]) -> list[dict[str, Any]]:
    """What the client logs of a feed that ends by itself. Each descriptor in `opened` is a copy of one opened then."""
    log: list[dict[str, Any]] = []

    @asynccontextmanager
    async def open_feed(*_: object, **__: object) -> AsyncGenerator[FakeFeed]:
        opened[:] = [os.dup(descriptor) for descriptor in opened]
        yield feed

    async def handle(_: str | bytes) -> None:
        pass

    def emit(kind: str, *_: object, **figures: object) -> None:
        log.append({"k": kind, **figures})

    backend = Backend(open_feed, asyncio.get_running_loop().time, set)  # type: ignore[arg-type]
    await follow(backend, "ws://feed.test", ["a"], handle, emit, SETTINGS)
    return log


def test_a_client_tells_what_its_audit_found() -> None:
    first, second, third = (Update("a", trade(number)) for number in (1, 4, 6))
    feed = FakeFeed(first, Gap(9.0, 0.1, 0.4, Failure(Cause.EOF)), second, third)
    account = asyncio.run(followed(feed, []))[-1]
    assert (account["k"], account["declared"], account["undeclared"], account["left"]) == ("audit", 2, 1, [])


def test_a_client_that_leaves_a_descriptor_open_fails() -> None:
    opened = [0]
    with pytest.raises(RuntimeError, match="left behind: descriptor"):
        asyncio.run(followed(FakeFeed(), opened))
    os.close(opened[0])


# Verdicts


def judged(scenario: str = "rst", **others: Any) -> dict[str, Any]:
    return {
        "scenario": scenario, "fails": [], "detect_s": 0.1, "recover_s": 0.2, "lost": 4, "attempts_after_fault": 1,
        "stop_s": 0.0, "why": None, **others,
    }  # fmt: skip


def figures(**others: Any) -> dict[str, Any]:
    return Figures(**{"received": 100, "declared": 4, **others}).as_json()


def test_what_is_lost_in_gaps_is_held() -> None:
    assert outcome(judged(), figures()).fails == ()


@pytest.mark.parametrize(
    ("judge_says", "client_says", "fails"),
    [
        ({"fails": ["outcome hung"]}, {}, "outcome hung"),
        ({}, {"declared": 3, "undeclared": 1}, "1 messages skipped without a Gap"),
        ({}, {"declared": 3}, "1 messages lost without a Gap"),
        ({}, {"repeated": 1}, "1 messages repeated"),
        ({}, {"outside": 0.3}, "0.3 s outside of its Gap"),
        ({}, {"left": ["task x"]}, "left behind: task x"),
        ({"why": "ValueError: x"}, {}, "crash: ValueError: x"),
    ],
)
def test_what_the_judge_cannot_see_fails_too(
    judge_says: dict[str, Any], client_says: dict[str, Any], fails: str
) -> None:
    (found,) = outcome(judged(**judge_says), figures(**client_says)).fails
    assert fails in found


def test_a_client_that_could_give_no_account_has_failed() -> None:
    assert outcome(judged(), None).fails == ("no audit by the client",)


def test_what_a_server_leaves_out_or_repeats_must_be_found() -> None:
    for found, held in ((5, True), (0, False)):
        assert (outcome(judged("gap", lost=9), figures(undeclared=found)).fails == ()) is held
        assert (outcome(judged("dup"), figures(repeated=found)).fails == ()) is held


def test_each_scenario_that_is_special_is_known() -> None:
    known = [name for scenarios in GROUPS.values() for name in scenarios]
    assert len(known) == len(set(known))
    assert {*NOT_IN_A_GAP, *LEFT_OUT, *SENT_TWICE} <= set(known)


def test_only_named_cases_may_be_less_than_strict() -> None:
    assert why_not_strict("3.2") is not None
    assert why_not_strict("3.22") is None
    assert why_not_strict("6.4.1") is None


# The record, and the targets


def test_the_record_replaces_what_stands_between_its_marks_and_nothing_else() -> None:
    text = "before\n<!-- x -->\nold\n<!-- end of x -->\nafter\n"
    new = replaced(text, "x", ["new"])
    assert new == "before\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nafter\n"
    assert replaced(new, "x", ["new"]) == new


@pytest.mark.parametrize("judge", ["faults", "autobahn"])
def test_without_the_judges_one_sentence_says_so(judge: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.judges", "--judges", tmp_path / "none", judge],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"Skipped: the judges are not at {tmp_path / 'none'}; say where with JUDGES=FOLDER.\n"
