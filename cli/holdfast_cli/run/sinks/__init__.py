"""Where the lines of `holdfast run` go."""

from holdfast_cli.run.sinks.sink import Sink, SinkGone
from holdfast_cli.run.sinks.stdout import Stdout

__all__ = ["Sink", "SinkGone", "Stdout"]
