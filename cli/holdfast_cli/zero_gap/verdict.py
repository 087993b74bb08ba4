"""Whether the feed kept its promises, and if not, what went wrong."""

from __future__ import annotations

from holdfast import Cause
from holdfast_cli.demo_verdict import of_the_ledger
from holdfast_cli.ledger import Audit
from holdfast_cli.zero_gap.run import Outcome

_CUT = frozenset({Cause.RESET, Cause.EOF})


def problems(outcome: Outcome, audited: Audit) -> list[str]:
    """All that speaks against the feed, or against the demo itself; empty if every promise was kept."""
    return [*of_the_ledger(audited), *_of_gaps(outcome, audited), *_of_connections(outcome), *_of_the_end(outcome)]


def sentence(outcome: Outcome, audited: Audit, found: list[str]) -> str:
    """The verdict in one sentence."""
    if found:
        return f"FAILED: {'; '.join(found)}."
    received, cuts = audited.total.received, len(outcome.faults)
    if outcome.plan.rotations:
        return f"Held: {len(outcome.rotated)} rotations, and of {received:,} messages none was lost or came twice."
    if outcome.plan.legs > 1:
        what = f"one of {outcome.plan.legs} legs was cut {cuts} times"
        return f"Held: {what}, and of {received:,} messages none was lost or came twice."
    lost, gaps = audited.total.lost, len(audited.gaps)
    return (
        f"Held: all {lost:,} messages lost in {cuts} cuts lie in {gaps} declared gaps; of {received:,} none came twice."
    )


def _of_gaps(outcome: Outcome, audited: Audit) -> list[str]:
    """Where another connection was there, there is no gap. Else there is one for each cut, and no other."""
    plan, gaps = outcome.plan, [account.gap for account in audited.gaps]
    if plan.rotations or plan.legs > 1:
        return [f"a gap of {gap.until - gap.since:.3g} s was declared: {gap.cause}" for gap in gaps]
    found = [f"a gap is put down to '{gap.cause}', and was a cut" for gap in gaps if gap.cause.cause not in _CUT]
    times = {gap.since for gap in gaps}  # one gap in everything, or several in streams that came back one by one
    if len(times) != len(outcome.faults):
        found.append(f"gaps were declared for {len(times)} losses, and there were {len(outcome.faults)} cuts")
    return found


def _of_connections(outcome: Outcome) -> list[str]:
    plan, stats = outcome.plan, outcome.stats
    found: list[str] = []
    if len(outcome.rotated) != len(plan.rotations):
        found.append(f"{len(outcome.rotated)} rotations of {len(plan.rotations)} were carried through")
    hits = sum(record.hits for record in outcome.faults)
    if hits != len(plan.cuts):
        found.append(f"{hits} cuts of {len(plan.cuts)} hit a connection")
    lost = sum(stats.losses.values())
    if lost != hits:
        found.append(f"{lost} connections were lost or dialled in vain, and {hits} were cut")
    return found


def _of_the_end(outcome: Outcome) -> list[str]:
    found: list[str] = []
    if outcome.forgotten:
        found.append(f"the exchange forgot {outcome.forgotten} messages, so the ledger is not whole")
    if outcome.gave_up is not None:
        found.append(f"the feed gave up: {outcome.gave_up}")
    is_open = [leg.state for leg in outcome.stats.legs].count("open")
    if is_open != outcome.plan.legs:
        found.append(f"{is_open} of {outcome.plan.legs} connections were open at the end")
    if not outcome.drained:
        found.append("the last messages never arrived")
    return found
