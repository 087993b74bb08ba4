"""The states of a connection, and how it passes from one to the next.

    MAKING ---> DIALING ---> HANDSHAKE ---> GREETING ---> OPEN ---> CLOSING
       |           |             |              |          |           |
       +-----------+-------------+--------------+----------+-----------+---> CLOSED

Where the endpoint is known, life begins with DIALING, and Connect goes out when the object is made; else a function of
the user's makes it first. DIALING ends with `connected`, HANDSHAKE with the server's answer. In GREETING, which is left
out where there is no `on_connect`, the user's function talks to the server, and what it does not take itself is kept
for the consumer; an end that comes behind messages it has not taken waits until it has. OPEN ends with a close frame
from either side, a violation, the end of the stream, or silence after a ping. In CLOSING our close frame is on its way
and what still arrives is read only for the end of it. Every way into CLOSED that the driver did not bring about itself
leaves a Disconnect behind, and then the number is never used again.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a connection stands in its life."""

    MAKING = "making the endpoint"
    DIALING = "dialing"
    HANDSHAKE = "handshake"
    GREETING = "greeting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


NEXT = {
    State.MAKING: {State.DIALING, State.CLOSED},
    State.DIALING: {State.HANDSHAKE, State.CLOSED},
    State.HANDSHAKE: {State.GREETING, State.OPEN, State.CLOSED},
    State.GREETING: {State.OPEN, State.CLOSING, State.CLOSED},
    State.OPEN: {State.CLOSING, State.CLOSED},
    State.CLOSING: {State.CLOSED},
    State.CLOSED: set[State](),
}
