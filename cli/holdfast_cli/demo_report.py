"""What the demo ends with: the ledger, the gaps, the verdict; for people, and as JSON."""

from __future__ import annotations

import json

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast_cli.demo_run import Outcome
from holdfast_cli.demo_verdict import sentence
from holdfast_cli.ledger import Audit, GapAccount, StreamAccount

_COUNTS = ("published", "received", "lost", "declared", "undeclared", "duplicated")


def print_report(console: Console, audited: Audit, found: list[str]) -> None:
    """Tables and the verdict. `found`: the problems."""
    console.print(_ledger(audited), end="\n\n")
    console.print(_gaps(audited), end="\n\n")
    console.print(Text(sentence(found, audited), style="bold red" if found else "bold green"))


def report_json(outcome: Outcome, audited: Audit, found: list[str]) -> str:
    """The same on one line. Durations are seconds."""
    return json.dumps(
        {
            "ok": not found,
            "verdict": sentence(found, audited),
            "problems": found,
            "transport": outcome.transport,
            "seconds": outcome.script.seconds,
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
            "faults": [{"fault": str(record.fault), "hits": record.hits} for record in outcome.faults],
            "dials": outcome.stats.dials,
            "connections": outcome.stats.connections,
            "stalls": outcome.stats.stalls,
        }
    )


def _ledger(audited: Audit) -> Table:
    table = _table("Ledger: published from the first message received to the end")
    table.add_column("stream", no_wrap=True)
    for name in _COUNTS:
        table.add_column(name, justify="right")
    for account in audited.streams:
        table.add_row(account.stream, *_cells(account))
    table.add_section()
    table.add_row("total", *_cells(audited.total), style="bold")
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
