"""What the quick decorator makes must be what `dataclasses.dataclass(frozen=True, slots=True)` makes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import holdfast
from holdfast.records import dataclass as quick

KINDS = [dataclasses.dataclass, quick]


def classes(dataclass: Callable[..., Any]) -> tuple[Any, Any]:
    @dataclass(frozen=True, slots=True)
    class Base:
        """A base."""

        at: float
        where: str = dataclasses.field(default="here", kw_only=True)

    @dataclass(frozen=True, slots=True)
    class Derived(Base):
        """With all that is in use."""

        name: str | None = None
        secret: str = dataclasses.field(default="hidden", repr=False)
        note: str = dataclasses.field(default="", compare=False)
        seen: list[int] = dataclasses.field(default_factory=list, hash=False)

        def __post_init__(self) -> None:
            if self.at < 0:
                raise ValueError("at")
            object.__setattr__(self, "name", self.name or "nobody")

    return Base, Derived


def behaviour(dataclass: Callable[..., Any]) -> list[object]:
    base, derived = classes(dataclass)
    one, same, other = derived(1.0, "a"), derived(1.0, "a", note="else"), derived(1.0, "a", where="there")
    changed = dataclasses.replace(one, at=2.0)
    with pytest.raises(ValueError, match="at"):
        derived(-1.0)
    with pytest.raises(TypeError):
        derived()
    with pytest.raises(TypeError):
        derived(1.0, "a", "b", "c", [], "there")
    for attempt in (lambda: setattr(one, "at", 3.0), lambda: delattr(one, "at")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            attempt()
    assert not hasattr(one, "__dict__")
    assert one.seen is not same.seen
    return [
        repr(one).rpartition(".")[2],
        repr(base(1.5)).rpartition(".")[2],
        one == same,
        one == other,
        one == base(1.0),
        base(1.0) == derived(1.0),
        hash(base(1.0)) == hash(base(1.0)),
        hash(one) == hash(same),
        hash(base(1.0)) == hash(base(1.0, where="there")),
        [(each.name, each.repr, each.compare, each.kw_only) for each in dataclasses.fields(derived)],
        dataclasses.asdict(changed),
        derived.__match_args__,
        str(inspect.signature(derived)).replace("<factory>", "missing"),
        copy.copy(one) == one,
        derived(0.5).name,
    ]


def test_it_behaves_as_the_standard_one() -> None:
    ours, standard = behaviour(quick), behaviour(dataclasses.dataclass)
    at = next(index for index, value in enumerate(standard) if isinstance(value, str) and value.startswith("(at"))
    assert list(inspect.signature(classes(quick)[1]).parameters) == list(
        inspect.signature(classes(dataclasses.dataclass)[1]).parameters
    )
    assert ours[:at] + ours[at + 1 :] == standard[:at] + standard[at + 1 :]


def test_what_derives_from_one_that_was_never_made_is_made_as_well() -> None:
    @quick(frozen=True, slots=True)
    class Base:
        at: float

    class Plain(Base):
        def __init__(self) -> None:
            super().__init__(1.0)

    assert Plain().at == 1.0
    assert Base(at=2.0).at == 2.0
    assert list(inspect.signature(Base.__init__).parameters) == ["self", "at"]


def test_what_a_class_writes_itself_stays() -> None:
    @quick(frozen=True, slots=True)
    class Own:
        value: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert (repr(Own(1)), Own(1) == "anything", hash(Own(1))) == ("own", True, 7)


def test_events_and_settings_can_be_pickled() -> None:
    for one in (
        holdfast.Stall(1.0, 2.0),
        holdfast.Backoff(maximum=9.0),
        holdfast.Failure(holdfast.Cause.EOF, "x"),
        holdfast.Endpoint("ws://h/"),
    ):
        assert pickle.loads(pickle.dumps(one)) == one  # what a mapping in them is made of, too


def test_other_arguments_are_left_to_the_standard_one() -> None:
    @quick(slots=True)
    class Plain:
        value: int

    plain = Plain(1)
    plain.value = 2
    assert (plain, repr(plain).rpartition(".")[2]) == (Plain(2), "Plain(value=2)")
