"""`holdfast demo`: a feed survives an exchange that misbehaves, and every message is accounted for."""

from __future__ import annotations

import click
from rich.console import Console

from holdfast_cli.demo_report import print_report, report_json
from holdfast_cli.demo_run import run_demo
from holdfast_cli.demo_script import MAX_SECONDS, MIN_SECONDS, SECONDS, Script
from holdfast_cli.demo_show import make_show
from holdfast_cli.demo_verdict import problems
from holdfast_cli.exits import Exit
from holdfast_cli.ledger import audit
from holdfast_cli.transports import load_transport

_EPILOG = """\b
Exit codes:
    0  every loss lies in a declared gap, and all else was as it must be
    1  not so, and the verdict says why; or the installation lacks something
    2  wrong usage
  130  interrupted (Ctrl-C)
"""
_PROMISE_BROKEN = 1


def _length(_context: click.Context, _option: click.Parameter, seconds: float) -> float:
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:  # nan is not, either
        raise click.BadParameter(f"{seconds:g}: the script needs {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds")
    return seconds


@click.command(epilog=_EPILOG)
@click.option(
    "--transport",
    type=click.Choice(["asyncio", "trio"]),
    default="asyncio",
    show_default=True,
    help="The library that moves the bytes.",
)
@click.option(
    "--seconds",
    type=float,
    callback=_length,
    default=SECONDS,
    show_default=True,
    help="How long the exchange misbehaves.",
)
@click.option("--json", "as_json", is_flag=True, help="End with the ledger as one line of JSON; all else to stderr.")
def demo(transport: str, seconds: float, as_json: bool) -> None:
    """Watch a feed survive a misbehaving exchange.

    An exchange on this machine publishes trades. On a script it resets connections, falls silent, mutes its data,
    refuses dials, goes away, and ignores pings. At the end the feed's messages are held against what was published:
    each one that was lost must lie in a gap that the feed declared.
    """
    console = Console(stderr=as_json, highlight=False)
    try:
        held = _demo(transport, Script.of_length(seconds), console, as_json=as_json)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    if not held:
        raise click.exceptions.Exit(_PROMISE_BROKEN)


def _demo(transport: str, script: Script, console: Console, *, as_json: bool) -> bool:
    """Whether every promise was kept."""
    loaded = load_transport(transport)
    with make_show(console, f"holdfast demo on {transport}", script.seconds) as show:
        outcome = run_demo(loaded, script, show)
    audited = audit(outcome.published, outcome.log)
    found = problems(outcome, audited)
    print_report(console, audited, found)
    if as_json:
        print(report_json(outcome, audited, found), flush=True)
    return not found
