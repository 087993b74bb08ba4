"""What the core wants of a source of randomness, which is handed in."""

from __future__ import annotations

from typing import Protocol


class Randomness(Protocol):
    """`random.Random` is one."""

    def random(self) -> float:
        """From 0 (included) to 1 (excluded)."""
        ...
