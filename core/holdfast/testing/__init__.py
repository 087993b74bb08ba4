"""Simulated peers, for our tests and for those who embed Holdfast. Machines like the client: no I/O, no clock.

`Exchange` is a feed service that misbehaves on a script and keeps a ledger of all that it published, so that what a
client received can be held against it.
"""

from holdfast.testing.commands import Abort, Finish, ServerCommand, Write
from holdfast.testing.exchange import Exchange
from holdfast.testing.faults import (
    CloseWith,
    Fault,
    FaultRecord,
    GoSilent,
    IgnorePings,
    LastingFault,
    LoseData,
    MuteData,
    Outgoing,
    Refusal,
    RefuseDials,
    Reset,
    ResetOne,
    Target,
)
from holdfast.testing.ledger import ConnectionRecord, Ledger, Publication
from holdfast.testing.market import Market, Stream
from holdfast.testing.rules import Rules
from holdfast.testing.service import HEARTBEAT, Client, CombinedStreams, Service

__all__ = [
    "HEARTBEAT",
    "Abort",
    "Client",
    "CloseWith",
    "CombinedStreams",
    "ConnectionRecord",
    "Exchange",
    "Fault",
    "FaultRecord",
    "Finish",
    "GoSilent",
    "IgnorePings",
    "LastingFault",
    "Ledger",
    "LoseData",
    "Market",
    "MuteData",
    "Outgoing",
    "Publication",
    "Refusal",
    "RefuseDials",
    "Reset",
    "ResetOne",
    "Rules",
    "ServerCommand",
    "Service",
    "Stream",
    "Target",
    "Write",
]
