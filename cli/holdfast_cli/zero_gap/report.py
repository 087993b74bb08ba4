"""What the run ends with."""

from __future__ import annotations

from dataclasses import asdict

from holdfast_cli.demo_report import Report
from holdfast_cli.zero_gap.account import audit_streams
from holdfast_cli.zero_gap.run import Outcome
from holdfast_cli.zero_gap.verdict import problems, sentence


def report_of(outcome: Outcome) -> Report:
    """The audit and the verdict. The JSON also holds how long each rotation took, and what each leg did."""
    audited = audit_streams(outcome.published, outcome.log)
    found = problems(outcome, audited)
    return Report(
        "Ledger: published from the first message received to the end",
        audited,
        found,
        sentence(outcome, audited, found),
        outcome.faults,
        outcome.stats,
        {
            "transport": outcome.transport,
            "seconds": outcome.plan.seconds,
            "rotations": [round(one.took, 6) for one in outcome.rotated],
            "legs": [{**asdict(leg), "losses": dict(leg.losses)} for leg in outcome.stats.legs],
        },
    )
