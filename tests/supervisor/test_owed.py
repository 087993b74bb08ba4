"""What a connection owes: kept in runs or singly, the same becomes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.supervisor.owed import Owed, OwedTexts, OwedUpdates

TEXTS = st.sampled_from(["a", "b", "c", "a" * 100])
RUNS = st.lists(TEXTS, min_size=1, max_size=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("delivered"), RUNS),
        st.tuples(st.just("brought"), RUNS),
        st.tuples(st.just("brought as owed"), st.integers(1, 6)),
        st.tuples(st.just("key"), TEXTS),
        st.tuples(st.just("skip"), TEXTS),
        st.tuples(st.just("forget"), st.integers(0, 6)),
        st.tuples(st.just("ask"), st.none()),
    ),
    max_size=30,
)


def take_first(owed: Owed, texts: list[str | bytes]) -> tuple[int, float]:
    """One by one."""
    done, at = 0, 0.0
    for text in texts:
        if (taken := owed.take(text)) is None:
            break
        done, at = done + 1, taken
    return done, at


@given(STEPS)
def test_runs_are_no_different(steps: list[tuple[str, object]]) -> None:
    runs, singly, one_by_one = OwedTexts(), OwedUpdates(), OwedTexts()
    in_order: list[str] = []
    for now, (step, what) in enumerate(steps):
        if step == "brought as owed":
            assert isinstance(what, int)
            step, what = "brought", in_order[:what] or ["a"]
        if step == "delivered":
            assert isinstance(what, list)
            in_order += what
            runs.put_all(now, list(what))
            for text in what:
                singly.put(now, text, text)
                one_by_one.put(now, text, text)
        elif step == "brought":
            assert isinstance(what, list)
            found = runs.take_first(list(what))
            assert found == take_first(singly, what) == take_first(one_by_one, what)
            del in_order[: found[0]]
        elif step == "key":
            assert runs.bring(hash(what)) == singly.bring(hash(what)) == one_by_one.bring(hash(what))
            in_order.clear()
        else:
            for owed in (runs, singly, one_by_one):
                if step == "skip":
                    owed.skip_to(hash(what))
                elif step == "forget":
                    assert isinstance(what, int)
                    owed.forget_until(now - what)
                else:
                    owed.ask_keys()
            in_order.clear()
        assert runs.count == singly.count == one_by_one.count
    assert list(runs.times.items()) == list(singly.times.items()) == list(one_by_one.times.items())
    assert runs.count == len(runs.times)


def test_runs_need_not_be_cut_alike() -> None:
    owed = OwedTexts()
    owed.put_all(1.0, ["a", "b", "c"])
    owed.put_all(2.0, ["d", "e"])
    assert owed.take_first(["a", "b"]) == (2, 1.0)
    assert owed.take_first(["c", "d", "x"]) == (2, 2.0)
    assert owed.take_first(["x"]) == (0, 0.0)
    assert owed.take_first(["e", "f"]) == (1, 2.0)
    assert owed.count == 0
