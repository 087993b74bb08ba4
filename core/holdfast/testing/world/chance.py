"""Randomness from a seed: the same on every machine and in every version of Python, so that a seed is a test."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import shake_128
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1


class Chance:
    """Draws in a fixed order (xorshift64*, Vigna 2016). `random` is what a fleet wants, `entropy` likewise."""

    __slots__ = ("_drawn", "_seed", "_state")

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed).encode()
        self._state = int.from_bytes(shake_128(self._seed).digest(8), "big") | 1
        self._drawn = 0

    def fork(self, name: str) -> Chance:
        """A source of its own: what is drawn from it moves nothing elsewhere."""
        return Chance(f"{self._seed.decode()}/{name}")

    def random(self) -> float:
        """From 0 (included) to 1 (excluded)."""
        state = self._state
        state ^= state >> 12
        state ^= (state << 25) & _MASK
        state ^= state >> 27
        self._state = state
        return (((state * 0x2545F4914F6CDD1D) & _MASK) >> 11) * 2.0**-53

    def below(self, count: int) -> int:
        """A whole number from 0 to `count` - 1."""
        return int(self.random() * count)

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def choice(self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]

    def lattice(self, low: float, high: float, step: float = 0.25) -> float:
        """A multiple of `step` from `low` to `high`: on a lattice deadlines meet, which free floats never do."""
        return low + step * self.below(round((high - low) / step) + 1)

    def entropy(self, size: int) -> bytes:
        """So many bytes."""
        self._drawn += 1
        return shake_128(self._seed + b"#%d" % self._drawn).digest(size)
