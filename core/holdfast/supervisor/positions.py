"""The numbers that a service gives to all that it sends on a connection."""

from __future__ import annotations

from holdfast.dialects.words import Reading


class Positions:
    """Of one connection: the latest, and when it came."""

    __slots__ = ("_at", "_latest")

    def __init__(self) -> None:
        self._latest: int | None = None
        self._at = 0.0

    def note(self, reading: Reading, now: float) -> tuple[int, int, float] | None:
        """Whether numbers were left out before this one: the first and the last of them, and since when."""
        position: int | None = getattr(reading, "position", None)
        if position is None:
            return None
        before, since = self._latest, self._at
        self._latest, self._at = position, now
        return (before + 1, position - 1, since) if before is not None and position > before + 1 else None
