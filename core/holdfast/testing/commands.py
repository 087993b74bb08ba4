"""What a server machine asks of its host, in order. Each names a connection by the number the host gave it."""

from __future__ import annotations

from holdfast.commands import Command, Write

__all__ = ["Abort", "Finish", "ServerCommand", "Write"]


class Finish(Command):
    """Send what is queued, then end the stream (FIN) and close. The machine has forgotten the connection."""

    __slots__ = ()


class Abort(Command):
    """Drop what is queued and reset the connection (RST), now. The machine has forgotten the connection."""

    __slots__ = ()


ServerCommand = Write | Finish | Abort
