"""The `holdfast` command and its subcommands."""

from __future__ import annotations

from typing import Any

import click

from holdfast import __version__, accelerator
from holdfast_cli.demo import demo
from holdfast_cli.exits import Exit
from holdfast_cli.run.command import run
from holdfast_cli.run.config_command import config
from holdfast_cli.tail import tail
from holdfast_cli.top import top


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Whatever runs: Ctrl-C ends it with 130, also before there is a handler for it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, prog_name="holdfast", message=f"%(prog)s %(version)s ({accelerator or 'plain Python'})"
)
def holdfast() -> None:
    """WebSocket feeds that must not stop.

    Holdfast keeps a stream of messages flowing through every failure of network and server, and tells of each
    interruption. Begin with `holdfast demo`, which needs no network; then look at a feed of your own with
    `holdfast tail wss://...`.
    """


holdfast.add_command(config)
holdfast.add_command(demo)
holdfast.add_command(run)
holdfast.add_command(tail)
holdfast.add_command(top)
