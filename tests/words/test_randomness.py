"""Randomness that is made of entropy."""

from __future__ import annotations

from random import Random

from holdfast.randomness import FromEntropy


def test_it_lies_from_0_to_1_which_is_not_reached() -> None:
    assert FromEntropy(bytes).random() == 0.0
    assert 1.0 - 2.0**-52 < FromEntropy(lambda size: b"\xff" * size).random() < 1.0


def test_it_is_spread_evenly() -> None:
    source = FromEntropy(Random(1).randbytes)
    draws = [source.random() for _ in range(2_000)]
    assert len(set(draws)) == len(draws)
    assert [round(sum(draw < part / 4 for draw in draws) / len(draws), 1) for part in (1, 2, 3)] == [0.2, 0.5, 0.8]
