"""Whether the feed kept its promises at an exchange, and if not, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast import Cause
from holdfast_cli.demo_verdict import of_the_ledger
from holdfast_cli.exchange_demo.run import Account, Outcome
from holdfast_cli.ledger import Audit, GapAccount


def problems(outcome: Outcome, audited: Audit) -> list[str]:
    """All that speaks against the feed, or against the demo itself; empty if every promise was kept."""
    return [
        *of_the_ledger(audited),
        *_of_the_streams(outcome, audited),
        *of_the_rules(outcome.account),
        *_of_the_reading(outcome),
        *_of_the_cuts(outcome, audited.gaps),
        *_of_the_end(outcome),
    ]


def sentence(found: list[str], outcome: Outcome, audited: Audit) -> str:
    """The verdict in one sentence."""
    if found:
        return f"FAILED: {'; '.join(found)}."
    return (
        f"Held: the service has exactly the {len(outcome.wanted)} streams that are wanted, all {audited.total.lost} "
        "lost messages lie in declared gaps, nothing came twice or out of order, and no rule was broken."
    )


def _of_the_streams(outcome: Outcome, audited: Audit) -> Iterator[str]:
    held = outcome.account.held
    if len(held) != 1:
        yield f"{len(held)} connections were open at the end"
    has = frozenset[str]().union(*held) - outcome.always
    if missing := sorted(outcome.wanted - has):
        yield f"wanted, and the service has them not: {some(missing)}"
    if extra := sorted(has - outcome.wanted):
        yield f"not wanted, and the service has them: {some(extra)}"
    if outcome.states.keys() != outcome.wanted:
        yield f"the feed has {len(outcome.states)} streams, and {len(outcome.wanted)} are wanted"
    if waiting := sorted(stream for stream, state in outcome.states.items() if state != "subscribed"):
        yield f"not acknowledged at the end: {some(waiting)}"
    if silent := sorted(outcome.wanted - {one.stream for one in audited.streams if one.received}):
        yield f"without a message: {some(silent)}"


def of_the_rules(account: Account) -> Iterator[str]:
    """Those of the service that were broken."""
    for record in account.connections:
        if record.closed_by is not None:
            yield f"the service closed connection {record.conn} under its rule {record.closed_by}"
    if account.dials_over_limit:
        yield f"dials beyond the limit: {account.dials_over_limit}"


def _of_the_reading(outcome: Outcome) -> Iterator[str]:
    if outcome.refused:
        yield f"refused: {some(sorted(outcome.refused))}"
    if outcome.unreadable:
        yield f"messages that make no sense: {outcome.unreadable}"


def _of_the_cuts(outcome: Outcome, gaps: tuple[GapAccount, ...]) -> Iterator[str]:
    """One lost connection and one gap in everything for each cut, with a true cause, and no others. Single streams may
    have longer ones, of the same causes.
    """
    cuts = outcome.plan.cuts
    for record in outcome.account.faults:
        if record.hits != 1:
            yield f"the exchange {record.fault}, and that cut {record.hits}"
    if len(outcome.account.faults) != len(cuts):
        yield f"{len(outcome.account.faults)} cuts of {len(cuts)} happened"
    for what, causes in (
        ("connections were lost", [event.failure.cause for event in outcome.lost]),
        ("gaps were declared", [account.gap.cause.cause for account in gaps if account.gap.stream is None]),
    ):
        if len(causes) != len(cuts):
            yield f"{len(causes)} {what} for {len(cuts)} cuts"
        for number, (cause, cut) in enumerate(zip(causes, cuts, strict=False), start=1):
            if cause not in cut.causes:
                truth = " or ".join(sorted(one.value for one in cut.causes))
                yield f"{what}, number {number} for {cause.value!r}, and it was {truth}"
    known = frozenset[Cause]().union(*(cut.causes for cut in cuts))
    if others := sorted({account.gap.cause.cause.value for account in gaps if account.gap.cause.cause not in known}):
        yield f"gaps were declared for what did not happen: {', '.join(others)}"
    if outcome.account.forgotten:
        yield f"the exchange forgot {outcome.account.forgotten} messages, so the ledger is not whole"


def _of_the_end(outcome: Outcome) -> Iterator[str]:
    if outcome.gave_up is not None:
        yield f"the feed gave up: {outcome.gave_up}"
    if outcome.stats.state != "open":
        yield f"the feed was {outcome.stats.state} at the end, not open"


def some(names: list[str]) -> str:
    """The first of them."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
