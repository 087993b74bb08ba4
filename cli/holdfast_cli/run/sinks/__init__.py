"""Where the lines of `holdfast run` go."""

from holdfast_cli.run.sinks.files import Files
from holdfast_cli.run.sinks.sink import Sink, SinkGone
from holdfast_cli.run.sinks.stdout import Stdout
from holdfast_cli.run.sinks.unix_socket import UnixSocket

__all__ = ["Files", "Sink", "SinkGone", "Stdout", "UnixSocket"]
