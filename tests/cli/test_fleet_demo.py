"""`holdfast demo --fleet`: on real sockets all streams are there, come back, and are exchanged; and flaws are found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from holdfast import Cause, Disconnected, Failure, Gap, GaveUp
from holdfast.testing import Publication
from holdfast.testing.ledger import ConnectionRecord
from holdfast_cli.commands import holdfast
from holdfast_cli.exchange_demo.ledger import Declared, Held, Taken, Wanted, audit
from holdfast_cli.exchange_demo.run import Account
from holdfast_cli.fleet_demo.plan import Plan
from holdfast_cli.fleet_demo.run import Outcome
from holdfast_cli.fleet_demo.verdict import problems, sentence
from testing.link import stats

TRANSPORTS = pytest.mark.parametrize("transport", ["asyncio", "trio"])
FEW = tuple(f"c{number:02}usdt@trade" for number in range(40))
OTHERS = tuple(f"d{number:02}usdt@trade" for number in range(10))


def run(*arguments: str) -> dict[str, Any]:
    """What it reports."""
    result = CliRunner().invoke(holdfast, ["demo", "--fleet", "--json", *arguments])
    report = json.loads(result.stdout)
    assert result.exit_code == (0 if report["ok"] else 1), result.output
    return report


@TRANSPORTS
def test_a_small_fleet_starts_comes_back_and_changes(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(4.0, FEW, OTHERS, connections=4, rate=5.0)
    monkeypatch.setattr(Plan, "of_length", lambda seconds: plan)
    report = run("--transport", transport)
    assert report["problems"] == []
    assert list(report["shards"].values()) == [10] * 4
    assert (report["dials"], report["connections"], len(report["gaps"])) == (8, 8, 4)
    assert report["total"]["lost"] == report["total"]["declared"] > 0
    assert len(report["dials_again"]) == 4


def test_the_whole_plan_is_what_it_says() -> None:
    plan = Plan.of_length(45.0)
    assert (len(set(plan.streams)), len(set(plan.others)), len(plan.given_up)) == (3000, 200, 200)
    assert not set(plan.streams) & set(plan.others)
    assert plan.options()["sharding"].max_streams_per_connection == 150
    result = CliRunner().invoke(holdfast, ["demo", "--fleet", "--rotate"])
    assert "--exchange, --fleet, --rotate and --legs are demos of their own" in result.output
    assert CliRunner().invoke(holdfast, ["demo", "--fleet", "--seconds", "5"]).exit_code == 2


CUT = Failure(Cause.RESET)


def outcome(**changes: Any) -> Outcome:
    """Two connections with a stream each, cut once, and a stream exchanged; all as it must be."""
    plan = Plan(4.0, ("a", "b"), ("c",), connections=2)
    published = [Publication(stream, number, float(number)) for stream in "ac" for number in (1, 2, 3)]
    log = [
        Wanted(("a", "c")),
        Held(("a", "c"), 0.0),
        *(Taken(one.stream, one.sequence) for one in published if one.sequence == 1),
        Declared(Gap(2.5, 1.5, 2.5, CUT, shard=1), 2.5, frozenset({"a"})),
        *(Taken(one.stream, one.sequence) for one in published if one[:2] in (("a", 3), ("c", 2), ("c", 3))),
    ]
    account = Account(published, 0, [frozenset({"a"}), frozenset({"c"})], [ConnectionRecord(1, 0.0)], 0, [])
    whole = Outcome(
        "asyncio",
        plan,
        account,
        [(one, one.sequence) for one in published],
        log,
        frozenset("ac"),
        dict.fromkeys("ac", "subscribed"),
        0.5,
        1.0,
        0.25,
        [0.0, 0.0, 1.5, 1.5],
        [Disconnected(1.5, conn, CUT, 1.5) for conn in (1, 2)],
        [Gap(2.5, 1.5, 2.5, CUT, shard=shard) for shard in (1, 2)],
        [],
        [],
        stats(state="open"),
        None,
    )
    return replace(whole, **changes)


def told(**changes: Any) -> str:
    one = outcome(**changes)
    return "; ".join(problems(one, audit(one.published, one.log)))


def test_what_is_as_it_must_be_is_held() -> None:
    one = outcome()
    audited = audit(one.published, one.log)
    assert problems(one, audited) == []
    assert sentence(one, audited, []).startswith("Held: 2 streams were there over 2 connections after 0.5 s")


def test_every_flaw_is_found() -> None:
    good = outcome()
    account = good.account
    lost_elsewhere = [entry for entry in good.log if entry != Taken("c", 2)]
    assert "lost outside of every declared gap: 1" in told(log=lost_elsewhere), "the gap was in another shard"
    assert "after the cut not all" in told(back=None)
    assert "at the beginning not all" in told(started=None)
    assert "1 connections were open" in told(account=replace(account, held=[frozenset("ac")]))
    assert "on two connections" in told(account=replace(account, held=[frozenset("ac"), frozenset("c")]))
    assert "has them not: c" in told(account=replace(account, held=[frozenset("a"), frozenset()]))
    assert "the service has them: d" in told(account=replace(account, held=[frozenset("ad"), frozenset("c")]))
    assert "not acknowledged at the end: c" in told(states={"a": "subscribed", "c": "asked"})
    assert "refused: c" in told(refused=["c"])
    assert "3 connections were lost, and 2 were cut" in told(lost=[*good.lost, good.lost[0]])
    other = replace(good.lost[0], failure=Failure(Cause.PONG_TIMEOUT))
    assert "pong_timeout" in told(lost=[good.lost[0], other])
    assert "301 dials" in told(dials=[0.0] * 301)
    assert "in 1 shards" in told(gaps=good.gaps[:1])
    assert "1 gaps were declared when streams were exchanged" in told(late_gaps=good.gaps[:1])
    cut_off = replace(account, connections=[ConnectionRecord(7, 0.0, closed_by="message_limit")])
    assert "connection 7 under its rule message_limit" in told(account=cut_off)
    assert "dials beyond the limit: 2" in told(account=replace(account, dials_over_limit=2))
    assert "forgot 3" in told(account=replace(account, forgotten=3))
    assert "gave up" in told(gave_up=GaveUp(CUT, "for the test"))
    assert "waiting at the end" in told(stats=stats(state="waiting"))
    assert "without a message: z" in told(wanted=frozenset("acz"))
