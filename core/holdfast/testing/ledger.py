"""What an exchange published, and what it wrote to whom: the truth that a client's account is held against."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

_CONNECTIONS_KEPT = 1000


class Publication(NamedTuple):
    """One message: number `sequence` (from 1, without holes) of its stream, published at `at` seconds."""

    stream: str
    sequence: int
    at: float


@dataclass(slots=True)
class ConnectionRecord:
    """One client's connection as the exchange saw it; times are seconds, None for what has not happened.

    `written` counts messages by stream; `answered` are the client's pings that got a pong, `pongs` its answers to ours.
    `closed_by` names the rule under which the exchange closed it, at `closed_at`.
    """

    conn: int
    accepted_at: float
    opened_at: float | None = None
    ended_at: float | None = None
    written: Counter[str] = field(default_factory=Counter[str])
    answered: int = 0
    pongs: int = 0
    closed_by: str | None = None
    closed_at: float | None = None


class Ledger:
    """Counts of everything; the publications themselves up to the latest `capacity`, connections up to 1000."""

    def __init__(self, capacity: int) -> None:
        self.counts: Counter[str] = Counter()
        self.dials_over_limit = 0  # handshakes that were refused under `Rules.dial_limit`
        self.publications: deque[Publication] = deque(maxlen=capacity)  # in order
        self.connections: deque[ConnectionRecord] = deque(maxlen=_CONNECTIONS_KEPT)

    def note(self, publication: Publication) -> None:
        """It was published, whoever heard it."""
        self.counts[publication.stream] += 1
        self.publications.append(publication)

    @property
    def forgotten(self) -> int:
        """Publications that are counted, and no longer kept."""
        return self.counts.total() - len(self.publications)
