"""What the core wants of a source of randomness, which is handed in; and one that is made of entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

_FRACTION_BITS = 53  # of a float


class Randomness(Protocol):
    """`random.Random` is one."""

    def random(self) -> float:
        """From 0 (included) to 1 (excluded)."""
        ...


class FromEntropy:
    """`entropy(n)` gives n unpredictable bytes. It has no state, and so no twin in a process that was forked: their
    retries would come at the same moments.
    """

    __slots__ = ("_entropy",)

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def random(self) -> float:
        return (int.from_bytes(self._entropy(8), "big") >> (64 - _FRACTION_BITS)) / 2.0**_FRACTION_BITS
