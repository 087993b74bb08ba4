"""What the demo ends with: the ledger, the gaps, the verdict; for people, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast import FeedStats
from holdfast.testing import FaultRecord
from holdfast_cli.demo_run import Outcome
from holdfast_cli.demo_verdict import sentence
from holdfast_cli.ledger import Audit, GapAccount, StreamAccount

_COUNTS = ("published", "received", "lost", "declared", "undeclared", "duplicated")
_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What a demo ends with. `extra`: what the JSON holds beside that."""

    title: str
    audited: Audit
    problems: list[str]
    verdict: str
    faults: list[FaultRecord]
    stats: FeedStats
    extra: Mapping[str, object]


def report_of(outcome: Outcome, audited: Audit, found: list[str]) -> Report:
    """`found`: the problems."""
    return Report(
        "Ledger: published from the first message received to the end",
        audited,
        found,
        sentence(found, audited),
        outcome.faults,
        outcome.stats,
        {"transport": outcome.transport, "seconds": outcome.script.seconds},
    )


def print_report(console: Console, report: Report) -> None:
    """Tables and the verdict."""
    console.print(_ledger(report.title, report.audited), end="\n\n")
    if report.audited.gaps:
        console.print(_gaps(report.audited), end="\n\n")
    console.print(Text(report.verdict, style="bold red" if report.problems else "bold green"))


def report_json(report: Report) -> str:
    """The same on one line. Durations are seconds."""
    audited = report.audited
    return json.dumps(
        {
            "ok": not report.problems,
            "verdict": report.verdict,
            "problems": report.problems,
            **report.extra,
            "streams": {one.stream: _counts(one) for one in audited.streams},
            "total": _counts(audited.total),
            "displaced": audited.total.displaced,
            "invented": audited.invented,
            "gaps": [
                {
                    "duration": round(_duration(one), 6),
                    "cause": one.gap.cause.cause.value,
                    "text": str(one.gap.cause),
                    "lost": one.lost,
                }
                for one in audited.gaps
            ],
            "faults": [{"fault": str(record.fault), "hits": record.hits} for record in report.faults],
            "dials": report.stats.dials,
            "connections": report.stats.connections,
            "stalls": report.stats.stalls,
        }
    )


def _ledger(title: str, audited: Audit) -> Table:
    """A row for each stream, unless they are too many to read."""
    table = _table(title)
    streams = audited.streams if len(audited.streams) <= _MOST_ROWS else ()
    table.add_column("stream" if streams else "streams", no_wrap=True)
    for name in _COUNTS:
        table.add_column(name, justify="right")
    for account in streams:
        table.add_row(account.stream, *_cells(account))
    if streams:
        table.add_section()
    table.add_row("total" if streams else f"{len(audited.streams)}", *_cells(audited.total), style="bold")
    return table


def _gaps(audited: Audit) -> Table:
    table = _table("Declared gaps")
    table.add_column("", justify="right")
    table.add_column("duration", justify="right", no_wrap=True)
    table.add_column("lost", justify="right")
    table.add_column("cause", overflow="fold")
    for number, account in enumerate(audited.gaps, start=1):
        table.add_row(f"{number}", f"{_duration(account):.2f} s", f"{account.lost}", Text(str(account.gap.cause)))
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )


def _cells(account: StreamAccount) -> list[str]:
    return [f"{count:,}" for count in _counts(account).values()]


def _counts(account: StreamAccount) -> dict[str, int]:
    return {name: getattr(account, name) for name in _COUNTS}


def _duration(account: GapAccount) -> float:
    return account.gap.until - account.gap.since
