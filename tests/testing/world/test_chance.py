"""A seed is a test: the same draws everywhere, for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing.world import Chance

SEEDS = st.integers() | st.text()


def test_draws_never_change_between_versions():
    chance = Chance(1)
    assert [chance.random() for _ in range(3)] == [0.09882763579832099, 0.26242095415004363, 0.8338368602523879]
    assert [chance.below(100) for _ in range(8)] == [55, 38, 42, 92, 15, 75, 62, 30]
    assert [chance.entropy(4), chance.entropy(4)] == [b"\x03\x0b\x07\x93", b"\xf3\x82DD"]
    assert [chance.lattice(1, 3) for _ in range(6)] == [1.75, 2.25, 1.75, 2.0, 3.0, 1.25]
    assert Chance("a").random() == 0.6791635385869957
    assert Chance(1).fork("x").random() == 0.9998053664312254


@given(SEEDS)
def test_the_same_seed_draws_the_same(seed: int | str):
    one, other = Chance(seed), Chance(seed)
    assert [one.random() for _ in range(20)] == [other.random() for _ in range(20)]
    assert one.entropy(16) == other.entropy(16)


def test_seeds_differ():
    assert len({Chance(seed).random() for seed in range(1000)}) == 1000


@given(SEEDS, st.integers(0, 20))
def test_a_fork_is_moved_by_nothing_and_moves_nothing(seed: int | str, drawn: int):
    parent, untouched = Chance(seed), Chance(seed)
    for _ in range(drawn):
        parent.random()
        untouched.random()
    fork = parent.fork("a")
    assert fork.random() == Chance(seed).fork("a").random()
    assert fork.entropy(8) == Chance(seed).fork("a").entropy(8)
    assert parent.random() == untouched.random()
    assert parent.fork("a").random() != parent.fork("b").random()


@given(SEEDS, st.integers(1, 1000))
def test_numbers_lie_in_their_bounds(seed: int | str, count: int):
    chance = Chance(seed)
    assert 0.0 <= chance.random() < 1.0
    assert 0 <= chance.below(count) < count
    assert chance.choice("abc") in "abc"
    assert not chance.chance(0.0)
    assert chance.chance(1.0)
    assert len(chance.entropy(count)) == count


def test_every_number_below_is_drawn_about_equally_often():
    chance = Chance(7)
    counts = [0] * 10
    for _ in range(10_000):
        counts[chance.below(10)] += 1
    assert all(900 <= count <= 1100 for count in counts)


@given(SEEDS, st.integers(0, 40), st.integers(0, 40))
def test_the_lattice_has_steps(seed: int | str, low: int, more: int):
    drawn = Chance(seed).lattice(low / 4, (low + more) / 4)
    assert low / 4 <= drawn <= (low + more) / 4
    assert drawn * 4 == int(drawn * 4)


def test_both_ends_of_the_lattice_are_drawn():
    chance = Chance(1)
    assert {chance.lattice(1.0, 2.0, 0.5) for _ in range(100)} == {1.0, 1.5, 2.0}
