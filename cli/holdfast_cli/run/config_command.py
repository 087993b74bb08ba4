"""`holdfast config`: look at a file without running it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from holdfast_cli.exits import Exit, fail
from holdfast_cli.run.command import loaded
from holdfast_cli.run.file import schema
from holdfast_cli.run.shown import shown

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def config() -> None:
    """Check, show and describe the configuration of `holdfast run`."""


@config.command()
@_FILE
def check(file: Path) -> None:
    """Check FILE: exit with 0 if `run` would take it; else say what is wrong, a line each, and exit with 2.

    Nothing is dialled. Variables of the environment that it names must be set.
    """
    read = loaded(file)
    streams = sum(len(feed.streams) for feed in read.feeds.values())
    _print(f"{file}: right: {len(read.feeds)} feeds with {streams} streams, {len(read.sinks)} sinks\n")


@config.command()
@_FILE
def show(file: Path) -> None:
    """Print what FILE comes to, as TOML: with its profile, all defaults and every stream, without secrets."""
    _print(shown(loaded(file)))


@config.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    _print(json.dumps(schema(), indent=2) + "\n")


def _print(text: str) -> None:
    try:
        click.echo(text, nl=False)
    except OSError as error:  # a full disk; click sees to readers that went away
        fail(f"cannot write: {error.strerror or error}", Exit.BROKEN)
