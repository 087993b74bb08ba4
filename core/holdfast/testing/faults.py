"""What can go wrong at a service: each fault is plain data that says what it does to a connection.

A fault strikes every connection there is at its moment, unless it chooses among them; those dialled later are healthy.
To add one, derive from `Fault` or `LastingFault` and override what it does; the exchange needs no change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

T = TypeVar("T")


class Outgoing(Enum):
    """What a server sends, as far as faults tell it apart."""

    HANDSHAKE = "handshake"
    DATA = "data"
    NUMBERED = "numbered"  # data, and its number on the connection is spent
    REPLY = "reply"  # to a request such as SUBSCRIBE
    HEARTBEAT = "heartbeat"
    NOTICE = "notice"  # of the end of a connection
    PING = "ping"
    PONG = "pong"
    CLOSE = "close"


class Target(Protocol):
    """What a fault can do to a connection at once. Both tell whether it took effect."""

    def reset(self) -> bool:
        """RST: what was not sent yet is lost."""
        ...

    def close(self, code: int, reason: str) -> bool:
        """Send a close frame."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP answer to a dial that is turned away; `retry_after` in whole seconds, None for no such header."""

    status: int
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Base of all faults. `str` says what it does."""

    @property
    def lasts(self) -> float:
        """Seconds from the moment it strikes."""
        return 0.0

    def chosen(self, connections: Sequence[T]) -> Sequence[T]:
        """Those that it strikes, of all that there are, in the order in which they were dialled."""
        return connections

    def strike(self, target: Target) -> bool:  # noqa: ARG002
        """What happens at once to one connection; whether it took effect."""
        return False

    def withholds(self, outgoing: Outgoing) -> bool:  # noqa: ARG002
        """Whether, while it lasts, a connection that was struck does not send this."""
        return False

    def refusal(self) -> Refusal | None:
        """What dials are answered with while it lasts; None for a welcome."""
        return None


@dataclass(frozen=True, slots=True)
class LastingFault(Fault):
    """A fault that lasts for `seconds`."""

    seconds: float

    @property
    def lasts(self) -> float:
        return self.seconds


@dataclass(frozen=True, slots=True)
class Reset(Fault):
    """RST: the connection is gone without a word."""

    def strike(self, target: Target) -> bool:
        return target.reset()

    def __str__(self) -> str:
        return "resets every connection"


@dataclass(frozen=True, slots=True)
class ResetOne(Reset):
    """RST on one connection, the others go on. `which`: from 0, oldest first; counted round if there are fewer."""

    which: int = 0

    def chosen(self, connections: Sequence[T]) -> Sequence[T]:
        return [connections[self.which % len(connections)]] if connections else []

    def __str__(self) -> str:
        return "resets one connection"


@dataclass(frozen=True, slots=True)
class CloseWith(Fault):
    """A close frame, such as 1001 when a server is taken down."""

    code: int
    reason: str = ""

    def strike(self, target: Target) -> bool:
        return target.close(self.code, self.reason)

    def __str__(self) -> str:
        return f"closes every connection with {self.code} {self.reason}".rstrip()


@dataclass(frozen=True, slots=True)
class GoSilent(LastingFault):
    """The connection stays up and nothing at all goes out: a dead host behind a live socket."""

    def withholds(self, outgoing: Outgoing) -> bool:  # noqa: ARG002
        return True

    def __str__(self) -> str:
        return f"falls silent for {self.seconds:g} s: no data, no pongs"


@dataclass(frozen=True, slots=True)
class MuteData(LastingFault):
    """Pings are answered, and no data comes."""

    def withholds(self, outgoing: Outgoing) -> bool:
        return outgoing is Outgoing.DATA

    def __str__(self) -> str:
        return f"sends no data for {self.seconds:g} s, but answers pings"


@dataclass(frozen=True, slots=True)
class LoseData(LastingFault):
    """Data is numbered as if it went out, and does not."""

    def withholds(self, outgoing: Outgoing) -> bool:
        return outgoing is Outgoing.NUMBERED

    def __str__(self) -> str:
        return f"loses the data of {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class IgnorePings(LastingFault):
    """Data flows, and pings are not answered: such a peer is alive, and must not be given up."""

    def withholds(self, outgoing: Outgoing) -> bool:
        return outgoing is Outgoing.PONG

    def __str__(self) -> str:
        return f"answers no pings for {self.seconds:g} s, but sends data"


@dataclass(frozen=True, slots=True)
class RefuseDials(LastingFault):
    """Handshakes get an HTTP answer instead; `retry_after` in whole seconds, None for no such header."""

    status: int = 429
    retry_after: int | None = None

    def refusal(self) -> Refusal:
        return Refusal(self.status, self.retry_after)

    def __str__(self) -> str:
        text = f"refuses dials for {self.seconds:g} s with HTTP {self.status}"
        return text if self.retry_after is None else f"{text}, Retry-After: {self.retry_after}"


@dataclass(slots=True)
class FaultRecord:
    """A fault that struck at `at` seconds, when `connections` were there.

    `hits` counts what it did: connections cut, frames withheld, dials refused. None: it went by unnoticed.
    """

    fault: Fault
    at: float
    connections: int
    hits: int = 0
    forgiven_at: float = math.inf

    @property
    def until(self) -> float:
        """When it is over, in seconds."""
        return min(self.at + self.fault.lasts, self.forgiven_at)
