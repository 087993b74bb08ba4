"""What the client itself finds out in a run: numbers that were skipped, and whether a Gap declared it; what is left."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FIGURES = "audit"  # what the entry in the client's log is called


@dataclass
class Figures:
    """Of one run. All but `outside` and `left` are counts of messages.

    `declared`: skipped numbers with a Gap between their neighbours. `garbled`: skipped numbers in whose place a message
    came that nobody could read. `undeclared`: all other skipped numbers. `repeated`: numbers that were not above the
    one before. `outside`: the most seconds by which a declared message missed the nearest of those gaps. `left`: what
    was there at the end of the run and not at its start.
    """

    received: int = 0
    declared: int = 0
    garbled: int = 0
    undeclared: int = 0
    repeated: int = 0
    outside: float = 0.0
    left: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last message of a stream: its number, when the server made it, and how many gaps there had been."""

    number: int
    made: float
    gaps: int


class Audit:
    """Holds the numbers in the messages of each stream against the gaps that were declared, in the order they came.

    All times are `time.monotonic()`, which here is the server's clock too.
    """

    def __init__(self) -> None:
        self.figures = Figures()
        self._gaps: list[tuple[float, float, str | None]] = []
        self._unreadable = 0
        self._last: dict[str, _Seen] = {}

    def gap(self, since: float, until: float, stream: str | None = None) -> None:
        """In one stream; None: in all."""
        self._gaps.append((since, until, stream))

    def message(self, text: str | bytes) -> None:
        """Messages without a number, such as acknowledgements, say nothing."""
        try:
            whole = json.loads(text)
        except ValueError:
            self._unreadable += 1
            return
        data = whole.get("data", whole)
        if "t" in data:
            self._numbered(whole["stream"], _Seen(data["t"], data["mono"], len(self._gaps)))

    def _numbered(self, stream: str, now: _Seen) -> None:
        self.figures.received += 1
        before = self._last.get(stream)
        if before is not None and now.number <= before.number:
            self.figures.repeated += 1
            return
        self._last[stream] = now
        if before is not None and now.number > before.number + 1:
            self._skipped(stream, before, now)

    def _skipped(self, stream: str, before: _Seen, now: _Seen) -> None:
        missing = now.number - before.number - 1
        gaps = [(since, until) for since, until, of in self._gaps[before.gaps :] if of in (None, stream)]
        if gaps:
            self.figures.declared += missing
            for place in range(1, missing + 1):  # the server makes them at a steady rate
                made = before.made + (now.made - before.made) * place / (missing + 1)
                off = min(max(since - made, made - until, 0.0) for since, until in gaps)
                self.figures.outside = max(self.figures.outside, round(off, 3))
            return
        garbled = min(missing, self._unreadable)
        self._unreadable -= garbled
        self.figures.garbled += garbled
        self.figures.undeclared += missing - garbled


def open_descriptors() -> set[str]:
    """Files and sockets of this process, except what reads /proc itself (as this function and the judge do)."""
    found: set[str] = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if not target.startswith("/proc/"):
            found.add(f"descriptor {link.name}: {target}")
    return found
