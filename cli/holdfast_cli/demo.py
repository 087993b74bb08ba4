"""`holdfast demo`: a feed survives an exchange that misbehaves, and every message is accounted for."""

from __future__ import annotations

from collections.abc import Callable

import click
from rich.console import Console

from holdfast_cli import demo_script, exchange_demo, fleet_demo, zero_gap
from holdfast_cli.demo_report import Report, print_report, report_json, report_of
from holdfast_cli.demo_run import run_demo
from holdfast_cli.demo_script import Script
from holdfast_cli.demo_show import make_show
from holdfast_cli.demo_verdict import problems
from holdfast_cli.exits import Exit, fail
from holdfast_cli.ledger import audit
from holdfast_cli.transports import Transport, load_transport

_EPILOG = """\b
Exit codes:
    0  every loss lies in a declared gap, and all else was as it must be
    1  not so, and the verdict says why; or the installation lacks something
    2  wrong usage
  130  interrupted (Ctrl-C)
"""
_PROMISE_BROKEN = 1


@click.command(epilog=_EPILOG)
@click.option(
    "--exchange",
    type=click.Choice(list(exchange_demo.EXCHANGES)),
    help="Simulate this one with its limits: 200 streams, and some given up and asked for again, through five cuts.",
)
@click.option(
    "--fleet", is_flag=True, help="3,000 streams over 20 connections, all cut at once, and 200 exchanged for others."
)
@click.option("--rotate", is_flag=True, help="Nothing goes wrong, and the connection is replaced ten times.")
@click.option(
    "--legs",
    type=click.IntRange(1, zero_gap.MAX_LEGS),
    help="So many connections carry all at the same time, and one of them is cut every two seconds.",
)
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
    help=f"How long it lasts.  [default: {demo_script.SECONDS:g}; with --exchange {exchange_demo.SECONDS:g}, with "
    f"--fleet {fleet_demo.SECONDS:g}, with --rotate or --legs {zero_gap.SECONDS:g}]",
)
@click.option("--json", "as_json", is_flag=True, help="End with the ledger as one line of JSON; all else to stderr.")
def demo(
    exchange: str | None,
    fleet: bool,
    rotate: bool,
    legs: int | None,
    transport: str,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Watch a feed survive a misbehaving exchange.

    An exchange on this machine publishes trades. On a script it resets connections, falls silent, mutes its data,
    refuses dials, goes away, and ignores pings. At the end the feed's messages are held against what was published:
    each one that was lost must lie in a gap that the feed declared.

    With --exchange, one that you know: it must have at the end what is wanted, and nobody may have broken its rules.

    With --fleet, at a simulated Binance, no limit may be broken, and no stream touched that is not exchanged.

    With --rotate, or with --legs of 2 and more, 200 streams bring 2,000 messages/s, and not one may be lost or come
    twice.
    """
    console = Console(stderr=as_json, highlight=False)
    if (exchange is not None) + fleet + rotate + (legs is not None) > 1:
        raise click.UsageError("--exchange, --fleet, --rotate and --legs are demos of their own: choose one")
    if fleet:
        play = _fleet(seconds)
    elif rotate or legs is not None:
        play = _zero_gap(legs, seconds)
    else:
        play = _script(seconds) if exchange is None else _exchange(exchange, seconds)
    try:
        report = play(load_transport(transport), console)
        print_report(console, report)
        if as_json:
            print(report_json(report), flush=True)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    except BrokenPipeError:
        fail("nobody reads what the demo says: it was ended, and proves nothing", Exit.BROKEN)
    except OSError as error:
        fail(f"the demo broke off: {error.strerror or error}", Exit.BROKEN)
    if report.problems:
        raise click.exceptions.Exit(_PROMISE_BROKEN)


Play = Callable[[Transport, Console], Report]


def _script(seconds: float | None) -> Play:
    script = Script.of_length(_length(seconds, demo_script.SECONDS, demo_script.MIN_SECONDS, demo_script.MAX_SECONDS))

    def play(transport: Transport, console: Console) -> Report:
        with make_show(console, f"holdfast demo on {transport.name}", script.seconds) as show:
            outcome = run_demo(transport, script, show)
        audited = audit(outcome.published, outcome.log)
        return report_of(outcome, audited, problems(outcome, audited))

    return play


def _exchange(name: str, seconds: float | None) -> Play:
    simulated = exchange_demo.EXCHANGES[name]
    length = _length(seconds, exchange_demo.SECONDS, exchange_demo.MIN_SECONDS, exchange_demo.MAX_SECONDS)
    plan = exchange_demo.Plan.of_length(length, simulated.streams(exchange_demo.STREAMS))

    def play(transport: Transport, console: Console) -> Report:
        title = f"holdfast demo of {name} on {transport.name}, {len(plan.streams)} streams"
        with make_show(console, title, plan.seconds) as show:
            outcome = exchange_demo.run_exchange_demo(transport, simulated, plan, show)
        audited = exchange_demo.audit(outcome.published, outcome.log)
        return exchange_demo.report_of(name, outcome, audited, exchange_demo.problems(outcome, audited))

    return play


def _fleet(seconds: float | None) -> Play:
    length = _length(seconds, fleet_demo.SECONDS, fleet_demo.MIN_SECONDS, fleet_demo.MAX_SECONDS)
    plan = fleet_demo.Plan.of_length(length)

    def play(transport: Transport, console: Console) -> Report:
        title = f"holdfast demo on {transport.name}: {len(plan.streams):,} streams over {plan.connections} connections"
        with make_show(console, title, plan.seconds) as show:
            outcome = fleet_demo.run_fleet_demo(transport, plan, show)
        return fleet_demo.report_of(outcome)

    return play


def _zero_gap(legs: int | None, seconds: float | None) -> Play:
    length = _length(seconds, zero_gap.SECONDS, zero_gap.MIN_SECONDS, zero_gap.MAX_SECONDS)
    plan = zero_gap.Plan.of_rotations(length) if legs is None else zero_gap.Plan.of_cuts(length, legs)

    def play(transport: Transport, console: Console) -> Report:
        title = f"holdfast demo on {transport.name}: {plan.name}, {len(plan.streams)} streams"
        with make_show(console, title, plan.seconds) as show:
            outcome = zero_gap.run_zero_gap(transport, plan, show)
        return zero_gap.report_of(outcome)

    return play


def _length(given: float | None, usual: float, least: float, most: float) -> float:
    seconds = usual if given is None else given
    if not least <= seconds <= most:  # nan is not, either
        raise click.BadParameter(f"{seconds:g}: the script needs {least:g} to {most:g} seconds", param_hint="--seconds")
    return seconds
