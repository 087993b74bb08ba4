"""Whether the feed kept its promises in the demo, and if not, what went wrong."""

from __future__ import annotations

from holdfast.testing import FaultRecord, RefuseDials
from holdfast_cli.demo_run import Outcome
from holdfast_cli.ledger import Audit, GapAccount


def problems(outcome: Outcome, audited: Audit) -> list[str]:
    """All that speaks against the feed, or against the demo itself; empty if every promise was kept."""
    return [
        *of_the_ledger(audited),
        *_of_the_gaps(outcome, audited.gaps),
        *_of_the_faults(outcome),
        *_of_the_end(outcome),
    ]


def sentence(found: list[str], audited: Audit) -> str:
    """The verdict in one sentence."""
    if found:
        return f"FAILED: {'; '.join(found)}."
    lost, gaps = audited.total.lost, len(audited.gaps)
    return (
        f"Held: all {lost} lost messages lie in the {gaps} declared gaps, nothing came twice or out of order, "
        "and the feed was open at the end."
    )


def of_the_ledger(audited: Audit) -> list[str]:
    """What went wrong with messages."""
    total = audited.total
    counted = (
        (total.undeclared, "lost outside of every declared gap"),
        (total.duplicated, "delivered twice"),
        (total.displaced, "delivered out of order"),
        (audited.invented, "delivered that were never published"),
    )
    found = [f"messages {what}: {count}" for count, what in counted if count]
    return found if total.received else ["no message was received", *found]


def _of_the_gaps(outcome: Outcome, gaps: tuple[GapAccount, ...]) -> list[str]:
    """There must be one gap for each cut, with a true cause, and no other: a live peer is never condemned."""
    cuts = outcome.script.cuts()
    found: list[str] = []
    if len(gaps) != len(cuts):
        found.append(f"{len(gaps)} gaps were declared for {len(cuts)} cuts")
    for number, (account, causes) in enumerate(zip(gaps, cuts, strict=False), start=1):
        if account.gap.cause.cause not in causes:
            truth = " or ".join(sorted(cause.value for cause in causes))
            found.append(f"gap {number} is put down to '{account.gap.cause}', and was {truth}")
    return found


def _of_the_faults(outcome: Outcome) -> list[str]:
    found = [f"the exchange {record.fault}, and it touched nothing" for record in outcome.faults if not record.hits]
    if len(outcome.faults) != len(outcome.script.scenes):
        found.append(f"{len(outcome.faults)} faults of {len(outcome.script.scenes)} happened")
    if any(_was_pressed(record) for record in outcome.faults):
        found.append("the feed dialled sooner than Retry-After allowed")
    if outcome.forgotten:
        found.append(f"the exchange forgot {outcome.forgotten} messages, so the ledger is not whole")
    return found


def _was_pressed(record: FaultRecord) -> bool:
    """Whether more dials were refused than the Retry-After in each answer leaves room for."""
    fault = record.fault
    if not isinstance(fault, RefuseDials) or not fault.retry_after:
        return False
    return record.hits > 1 + fault.seconds // fault.retry_after


def _of_the_end(outcome: Outcome) -> list[str]:
    found: list[str] = []
    if outcome.gave_up is not None:
        found.append(f"the feed gave up: {outcome.gave_up}")
    if outcome.stats.state != "open":
        found.append(f"the feed was {outcome.stats.state} at the end, not open")
    if not outcome.drained:
        found.append("the last message never arrived")
    return found
