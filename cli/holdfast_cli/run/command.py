"""`holdfast run`."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

import click

from holdfast_cli.exits import Exit, fail
from holdfast_cli.run.file import RunConfig, load
from holdfast_cli.run.log import LogHandler
from holdfast_cli.run.loops import load_loop
from holdfast_cli.run.problems import Problems
from holdfast_cli.run.service import RELOADING, STOPPING, Service, SinkError

_EPILOG = """\b
Signals:
    SIGTERM, SIGINT  close all feeds and write what they brought, within close_timeout
    SIGHUP           read the file again, and change what differs

\b
Exit codes:
    0  asked to end by a signal, and all is written; or the reader of stdout went away
    1  the installation lacks something, or a sink did not take all
    2  wrong usage, or the file is wrong
    3  gave up: no retry could help
    4  a restart is needed: nothing helped for long (restart_after)
"""


def loaded(path: Path) -> RunConfig:
    """The file; ends the command with its problems, a line each."""
    try:
        return load(path, os.environ)
    except Problems as problems:
        for line in problems.lines:
            click.echo(f"holdfast: {' '.join(line.split())}", err=True)
        raise click.exceptions.Exit(Exit.USAGE) from None


@click.command(epilog=_EPILOG)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--transport",
    type=click.Choice(["asyncio", "trio"]),
    default="asyncio",
    show_default=True,
    help="The library that moves the bytes.",
)
def run(file: Path, transport: str) -> None:
    """Run the feeds of FILE, a configuration in TOML, and write what they bring to its sinks.

    `holdfast config check FILE` checks it without running it.
    """
    config = loaded(file)
    service = Service(file, config, loop := load_loop(transport))
    logger = logging.getLogger("holdfast")
    handler = LogHandler()
    logger.addHandler(handler)
    logger.setLevel(config.log.level.upper())
    numbers = [*STOPPING, *([RELOADING] if RELOADING is not None else [])]
    before = {number: signal.signal(number, service.on_signal) for number in numbers}
    code = Exit.BROKEN

    async def main() -> None:
        nonlocal code
        code = await service.run()

    try:
        try:
            service.open_sinks()
        except SinkError as error:
            fail(str(error), Exit.BROKEN)
        loop.run(main, service.on_signal, [int(number) for number in numbers])
    finally:
        handler.finish()
        logger.removeHandler(handler)
        for number, old in before.items():
            signal.signal(number, old)
    raise click.exceptions.Exit(code)
