"""What was seen in one run: the client's report and the server's ledger, and the phrases that cells are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ALIVE_WITHIN = 1.0  # seconds: a feed whose last message is older than this at the end is silent
MIB = 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """`report` is None, and `trouble` says why, if the client's process came to no end of its own."""

    report: dict[str, Any] | None
    ledger: dict[str, Any]
    trouble: str | None = None

    @property
    def finding(self) -> dict[str, Any]:
        assert self.report is not None
        return self.report

    @property
    def account(self) -> dict[str, Any]:
        account: dict[str, Any] = self.finding["account"]
        return account

    @property
    def connections(self) -> list[dict[str, Any]]:
        connections: list[dict[str, Any]] = self.ledger["connections"]
        return connections

    @property
    def opened(self) -> list[dict[str, Any]]:
        return [one for one in self.connections if one["opened"] is not None]

    @property
    def lost(self) -> int:
        """Messages that never came, between two that did."""
        return sum(hole["last"] - hole["first"] + 1 for hole in self.account["holes"])

    @property
    def untold(self) -> int:
        """Those of them that nothing told the application of."""
        return sum(hole["last"] - hole["first"] + 1 for hole in self.account["holes"] if not hole["told"])

    def _is_open_at_the_end(self, connection: dict[str, Any]) -> bool:
        ended = connection["ended"]
        return ended is None or ended > self.finding["ended"]

    # Phrases

    def dials(self) -> str:
        return count(len(self.connections), "dial")

    def losses(self) -> str:
        if not self.lost:
            return "nothing lost"
        told = "all announced" if not self.untold else f"{self.untold:,} of them in silence"
        return f"{count(self.lost, 'message')} lost, {told}"

    def life(self) -> str:
        """Whether messages still came at the end."""
        if (ended := self.account["ended"]) is not None:
            return f"ended with {ended}"
        if not any(self._is_open_at_the_end(one) for one in self.connections):
            return "no connection at the end"
        last = self.account["last_at"]
        if last is None:
            return "no message ever"
        silent = self.finding["ended"] - last
        return "alive at the end" if silent < ALIVE_WITHIN else f"silent for the last {silent:.0f} s"

    def kept(self) -> str:
        """Whether the first connection lived, or when and how it ended."""
        if not self.opened:
            return "no connection ever"
        first = self.opened[0]
        if self._is_open_at_the_end(first):
            return "connection kept"
        lived = first["ended"] - first["opened"]
        said = f"closed by the client with {first['said']}" if first["said"] else "cut by the client"
        return f"{said} after {lived:.1f} s"

    def memory(self) -> str:
        return f"memory grew by {self.finding['grew'] / MIB:.0f} MiB"


def count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def left(counts: dict[str, int]) -> str:
    """Tasks and sockets that are left."""
    parts = [count(counts[kind], kind[:-1]) for kind in ("tasks", "sockets") if counts[kind] > 0]
    return " and ".join(parts) or "nothing"
