"""What the demo of an exchange ends with."""

from __future__ import annotations

from dataclasses import replace

from holdfast_cli.demo_report import Report
from holdfast_cli.exchange_demo.run import Outcome
from holdfast_cli.exchange_demo.verdict import sentence
from holdfast_cli.ledger import Audit, GapAccount


def report_of(exchange: str, outcome: Outcome, audited: Audit, found: list[str]) -> Report:
    """`found`: the problems."""
    return Report(
        "Ledger: published while wanted",
        replace(audited, gaps=_by_cut(audited.gaps)),
        found,
        sentence(found, outcome, audited),
        outcome.account.faults,
        outcome.stats,
        {
            "exchange": exchange,
            "transport": outcome.transport,
            "seconds": outcome.plan.seconds,
            "wanted": len(outcome.wanted),
            "held": [len(held - outcome.always) for held in outcome.account.held],
            "given_up": outcome.given_up,
        },
    )


def _by_cut(gaps: tuple[GapAccount, ...]) -> tuple[GapAccount, ...]:
    """A gap in everything, and those of single streams behind it, as one that ends when all were there again."""
    found: list[GapAccount] = []
    for account in gaps:
        if account.gap.stream is None or not found:
            found.append(account)
        else:
            gap, lost = found[-1].gap, found[-1].lost
            found[-1] = GapAccount(replace(gap, until=max(gap.until, account.gap.until)), lost + account.lost)
    return tuple(found)
