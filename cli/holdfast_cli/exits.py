"""How the command ends: its exit codes, and errors of one line."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import click


class Exit(IntEnum):
    """Exit codes. Those of signals are the shell's convention: 128 and the signal's number."""

    READER_GONE = 0  # whoever read our output has closed it, as `head` does
    DONE = READER_GONE  # a service that was asked to end, and has written all
    BROKEN = 1  # this machine or installation: an extra is missing, the disk is full
    USAGE = 2  # click's own
    GAVE_UP = 3  # no retry can help
    RESTART = 4  # nothing helped for long: whoever watches over the process should start it again, elsewhere perhaps
    INTERRUPTED = 130
    TERMINATED = 143


def fail(message: str, code: Exit) -> NoReturn:
    """End the command with `holdfast: message`, on one line of stderr."""
    click.echo(f"holdfast: {' '.join(message.split())}", err=True)
    raise click.exceptions.Exit(code)
