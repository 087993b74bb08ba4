"""What the streams of a leg, and the leg, tell and ask those above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from holdfast.connection import Connection
from holdfast.dialects.words import Update
from holdfast.events import Event, Message
from holdfast.failures import Failure
from holdfast.records import dataclass

Readings = dict[str | bytes, Update]
"""What a dialect made of texts."""

if TYPE_CHECKING:
    from holdfast.supervisor.leg import Leg


@dataclass(frozen=True, slots=True)
class Replace:
    """The connection must be replaced; `elsewhere`: by one to another endpoint, if there is one."""

    failure: Failure
    elsewhere: bool = False


class Carrier(Protocol):
    """Who carries streams (a leg), as they see it."""

    @property
    def wanted(self) -> dict[str, None]:
        """What the feed wants. It changes."""
        ...

    def emit(self, event: Event) -> None:
        """An event, behind all that was delivered."""

    def covered(self, streams: Sequence[str], now: float) -> None:
        """From now on the connection brings these."""

    def uncovered(self, streams: Sequence[str], now: float, *, gone: bool) -> None:
        """From now on it brings these no more; or not `gone`: it may bring them no more."""

    def was_silent(self, stream: str, since: float, now: float) -> None:
        """The stream had fallen silent, and brings something again."""

    def missed(self, first: int, last: int, since: float, now: float) -> None:
        """The connection left out what should have had these numbers, of whatever streams."""

    def going_away(self, now: float) -> None:
        """The service says that it will end the connection."""


class Receiver(Protocol):
    """Who takes what legs bring."""

    @property
    def readings(self) -> Readings | None:
        """What was read lately, and may come again on another connection; None where there is none."""
        ...

    def deliver(self, leg: Leg, messages: list[Message], nbytes: int, now: float) -> None:
        """Messages of the leg's, in order. The list is the receiver's from now on."""


class LegOwner(Protocol):
    """The feed, as a leg sees it."""

    @property
    def delivery(self) -> Receiver:
        """Where messages go."""
        ...

    @property
    def wanted(self) -> dict[str, None]:
        """The streams that the feed wants. It changes."""
        ...

    def emit(self, event: Event) -> None:
        """An event, behind all that was delivered."""

    def dialled(self, leg: Leg, connection: Connection) -> None:
        """The leg has a new connection."""

    def opened(self, leg: Leg, now: float) -> None:
        """Its handshake succeeded, and what is sent first was sent."""

    def lost(self, leg: Leg, connection: Connection, since: float, failure: Failure, now: float) -> None:
        """It was lost: whatever came before `since` was delivered. The leg goes on by itself."""

    def refused(self, leg: Leg, connection: Connection) -> None:
        """It was dialled in vain. The leg goes on by itself."""

    def ponged(self, leg: Leg, pinged_at: float, now: float) -> None:
        """A ping of that time was answered."""

    def covered(self, leg: Leg, streams: Sequence[str], now: float) -> None:
        """From now on it brings these streams."""

    def uncovered(self, leg: Leg, streams: Sequence[str], now: float, *, gone: bool) -> None:
        """It does not bring these any more."""

    def was_silent(self, leg: Leg, stream: str, since: float, now: float) -> None:
        """The stream had fallen silent on it, and brings something again."""

    def missed(self, leg: Leg, first: int, last: int, since: float, now: float) -> None:
        """Its connection left out what should have had these numbers, of whatever streams."""

    def going_away(self, leg: Leg, now: float) -> None:
        """The service says that it will end the connection."""

    def replace(self, leg: Leg, replace: Replace, now: float) -> bool:
        """A stream is silent for too long. Whether the feed sees to it; else the leg drops its connection."""
        ...

    def gave_up(self, leg: Leg, failure: Failure, reason: str, now: float) -> None:
        """No retry can help this leg."""
