"""What a connection tells the floor above, in the order it happened."""

from __future__ import annotations

from holdfast.failures import Failure
from holdfast.records import dataclass


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake succeeded; messages follow."""

    subprotocol: str | None
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The dial or the handshake failed. The connection is closed."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Lost:
    """An open connection can carry no more messages. It may take until its close deadline to be gone."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Pong:
    """Our latest ping was answered."""

    rtt: float


Report = Opened | Refused | Lost | Pong
