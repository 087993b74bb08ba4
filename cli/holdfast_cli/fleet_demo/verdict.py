"""Whether the fleet kept its promises, and if not, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast import Cause
from holdfast_cli.demo_verdict import of_the_ledger
from holdfast_cli.exchange_demo.verdict import of_the_rules, some
from holdfast_cli.fleet_demo.run import Outcome
from holdfast_cli.ledger import Audit

_CUT = frozenset({Cause.RESET, Cause.EOF})
_MOST_DIALS = 300  # in five minutes, which is more than a run lasts


def problems(outcome: Outcome, audited: Audit) -> list[str]:
    """All that speaks against the feed, or against the demo itself; empty if every promise was kept."""
    return [
        *of_the_ledger(audited),
        *_of_the_streams(outcome),
        *of_the_rules(outcome.account),
        *_of_the_connections(outcome),
        *_of_the_change(outcome),
        *_of_the_end(outcome, audited),
    ]


def sentence(outcome: Outcome, audited: Audit, found: list[str]) -> str:
    """The verdict in one sentence."""
    if found:
        return f"FAILED: {'; '.join(found)}."
    plan = outcome.plan
    return (
        f"Held: {len(plan.streams):,} streams were there over {plan.connections} connections after "
        f"{_seconds(outcome.started)}, and again {_seconds(outcome.back)} after all were cut at once, with "
        f"{len(outcome.dials)} dials in all; {len(plan.others)} were exchanged in {_seconds(outcome.changed)}, and no "
        f"other was touched; all {audited.total.lost:,} lost messages lie in declared gaps, and no rule was broken."
    )


def _seconds(took: float | None) -> str:
    return f"{took:.1f} s" if took is not None else "never"


def _of_the_streams(outcome: Outcome) -> Iterator[str]:
    for what, took in (
        ("at the beginning", outcome.started),
        ("after the cut", outcome.back),
        ("after the change", outcome.changed),
    ):
        if took is None:
            yield f"{what} not all streams were acknowledged within {outcome.plan.settling:g} s"
    held = outcome.account.held
    if len(held) != outcome.plan.connections:
        yield f"{len(held)} connections were open at the end, and not {outcome.plan.connections}"
    has = [stream for streams in held for stream in streams]
    if len(set(has)) != len(has):
        yield "streams that came on two connections at the end"
    if missing := sorted(outcome.wanted.difference(has)):
        yield f"wanted, and the service has them not: {some(missing)}"
    if extra := sorted(set(has) - outcome.wanted):
        yield f"not wanted, and the service has them: {some(extra)}"
    if waiting := sorted(stream for stream, state in outcome.states.items() if state != "subscribed"):
        yield f"not acknowledged at the end: {some(waiting)}"
    if outcome.refused:
        yield f"refused: {some(sorted(outcome.refused))}"


def _of_the_connections(outcome: Outcome) -> Iterator[str]:
    plan = outcome.plan
    if len(outcome.lost) != plan.connections:
        yield f"{len(outcome.lost)} connections were lost, and {plan.connections} were cut"
    if others := sorted({one.failure.cause.value for one in outcome.lost if one.failure.cause not in _CUT}):
        yield f"connections were lost for what did not happen: {', '.join(others)}"
    if len(outcome.dials) > _MOST_DIALS:
        yield f"{len(outcome.dials)} dials, and {_MOST_DIALS} in five minutes are allowed"
    whole = {gap.shard for gap in outcome.gaps if gap.stream is None}
    if len(whole) != plan.connections:
        yield f"gaps were declared in {len(whole)} shards, and {plan.connections} were cut"


def _of_the_change(outcome: Outcome) -> Iterator[str]:
    if late := outcome.late_gaps:
        yield f"{len(late)} gaps were declared when streams were exchanged: {late[0].cause}"


def _of_the_end(outcome: Outcome, audited: Audit) -> Iterator[str]:
    if silent := sorted(outcome.wanted - {one.stream for one in audited.streams if one.received}):
        yield f"without a message: {some(silent)}"
    if outcome.account.forgotten:
        yield f"the exchange forgot {outcome.account.forgotten} messages, so the ledger is not whole"
    if outcome.gave_up is not None:
        yield f"the feed gave up: {outcome.gave_up}"
    if outcome.stats.state != "open":
        yield f"the feed was {outcome.stats.state} at the end, not open"
