"""`dataclasses.dataclass`, made faster where it is frozen and has slots, as most of Holdfast's are.

The standard one compiles six functions for each of these classes: that was two thirds of what `import holdfast` took.
Here it is one, `__init__`, when the first instance is made; the others are closures. Whoever uses such a class sees a
dataclass like any other, but for `__dataclass_params__.frozen`, which is False: a class that inherits from it needs
this decorator, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_Method = Callable[..., Any]
_Fields = tuple[dataclasses.Field[Any], ...]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, **options: bool) -> Callable[[type], type]:
        """The arguments are those of `dataclasses.dataclass`."""
        if frozen and slots and not options:
            return _frozen_with_slots
        return dataclasses.dataclass(frozen=frozen, slots=slots, **options)


def _frozen_with_slots(original: Any) -> Any:
    written: list[str] = [*original.__dict__]
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(original)
    fields: _Fields = dataclasses.fields(made)
    methods = {
        "__init__": _Init(made),
        "__repr__": _repr([one.name for one in fields if one.repr]),
        "__eq__": _eq(_getter([one.name for one in fields if one.compare])),
        "__hash__": _hash(_getter([one.name for one in fields if (one.compare if one.hash is None else one.hash)])),
        "__setattr__": _setattr,
        "__delattr__": _delattr,
        "__getstate__": _getstate,
        "__setstate__": _setstate,
    }
    for name, method in methods.items():
        if name not in written:
            setattr(made, name, method)
    return made


class _Init:
    """Stands for `__init__` until somebody asks for that, which is when the first instance is made."""

    __slots__ = ("_made",)

    def __init__(self, made: Any) -> None:
        self._made = made

    def __get__(self, instance: object, owner: type) -> _Method:
        self._made.__init__ = init = _init(self._made, dataclasses.fields(self._made))
        method: _Method = init.__get__(instance, owner)
        return method


def _init(made: Any, fields: _Fields) -> _Method:
    """Compiled, so that it is as fast as it can be, and shows its arguments. It cannot do what InitVar would need."""
    names: dict[str, Any] = {"set_": object.__setattr__, "missing": dataclasses.MISSING}
    positional, by_name = ["self"], ["*"]
    body: list[str] = []
    for one in fields:
        value = one.name
        parameter = value
        if one.default is not dataclasses.MISSING:
            names[f"default_{value}"] = one.default
            parameter += f"=default_{value}"
        elif one.default_factory is not dataclasses.MISSING:
            names[f"new_{value}"] = one.default_factory
            parameter += "=missing"
            value = f"new_{value}() if {value} is missing else {value}"
        if one.init:
            (by_name if one.kw_only else positional).append(parameter)
            body.append(f" set_(self, {one.name!r}, {value})")
        else:
            assert parameter == one.name, f"{made.__name__}.{one.name}: `__post_init__` gives what `__init__` does not"
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    parameters = positional + (by_name if len(by_name) > 1 else [])
    source = f"def __init__({', '.join(parameters)}):\n" + "\n".join(body or [" pass"])
    exec(source, names)  # noqa: S102  # of names of fields, and nothing else
    init: _Method = names["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    init.__module__ = made.__module__
    init.__annotations__ = {one.name: one.type for one in fields if one.init} | {"return": None}
    return init


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """What gives all values; for none of them, always the same."""
    return attrgetter(*names) if names else lambda _: ()


def _repr(names: list[str]) -> _Method:
    def __repr__(self: object) -> str:  # noqa: N807
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({values})"

    return __repr__


def _eq(values: Callable[[Any], Any]) -> _Method:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return __eq__


def _hash(values: Callable[[Any], Any]) -> _Method:
    def __hash__(self: object) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _setattr(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[object]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _setstate(self: Any, state: list[object]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
