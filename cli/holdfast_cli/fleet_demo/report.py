"""What the run ends with."""

from __future__ import annotations

from dataclasses import replace

from holdfast_cli.demo_report import Report
from holdfast_cli.exchange_demo.ledger import audit
from holdfast_cli.fleet_demo.run import Outcome
from holdfast_cli.fleet_demo.verdict import problems, sentence
from holdfast_cli.ledger import GapAccount


def report_of(outcome: Outcome) -> Report:
    """The audit and the verdict. The JSON also holds how long all took to be there, and when dials went out."""
    audited = audit(outcome.published, outcome.log)
    found = problems(outcome, audited)
    again = [at for at in outcome.dials if at >= outcome.plan.cut]
    return Report(
        "Ledger: published while wanted",
        replace(audited, gaps=_by_shard(audited.gaps)),
        found,
        sentence(outcome, audited, found),
        outcome.account.faults,
        outcome.stats,
        {
            "transport": outcome.transport,
            "seconds": outcome.plan.seconds,
            "shards": {number: one.streams for number, one in outcome.stats.shards.items()},
            "started": _rounded(outcome.started),
            "back": _rounded(outcome.back),
            "changed": _rounded(outcome.changed),
            "dials_again": [round(at - outcome.plan.cut, 3) for at in again],
            "most_dials_in_a_second": max(sum(at <= other < at + 1 for other in again) for at in again) if again else 0,
            "rate": round(len(outcome.published) / outcome.plan.seconds),
        },
    )


def _by_shard(gaps: tuple[GapAccount, ...]) -> tuple[GapAccount, ...]:
    """The gap in all of a shard, and those of single streams of the same loss, as one that ends when all were there."""
    found: dict[tuple[int | None, float], GapAccount] = {}
    for account in gaps:
        key = account.gap.shard, account.gap.since
        if (known := found.get(key)) is not None:
            until = max(known.gap.until, account.gap.until)
            account = GapAccount(replace(known.gap, until=until), known.lost + account.lost)  # noqa: PLW2901
        found[key] = account
    return tuple(found.values())


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
