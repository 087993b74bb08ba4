"""From the type hint of a setting to what the file may say for it: so that a new setting is a key by itself."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from operator import attrgetter
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from holdfast import Gap, Overflow
from holdfast_cli.run.guards import is_sequence, is_table
from holdfast_cli.run.kinds import (
    Anything,
    Choice,
    Constant,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Named,
    Number,
    OneOf,
    Table,
    Text,
    Whole,
)


def kind_of(hint: Any) -> Kind:
    """What a value may be for a setting with this type hint. Raises TypeError if nothing in a file can be that."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments)
    if origin is Literal:
        return Constant(True, True, "true") if arguments == (True,) else Choice(*map(str, arguments))
    if origin is tuple and arguments[-1:] != (...,):
        return ListOf(kind_of(arguments[0]), len(arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return MapOf(kind_of(arguments[1]))
    if isinstance(origin, type) and origin is not _CALLABLE and issubclass(origin, Iterable):
        return ListOf(kind_of(arguments[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return table_of(hint)
    if _is_callable(hint):
        return Named()
    raise TypeError(f"no kind for {hint!r}")


def kind_or_anything(hint: Any) -> Kind:
    """The same; any value where the hint does not say, and the checks of the setting itself must do."""
    try:
        return kind_of(hint)
    except TypeError:
        return Anything()


def table_of(group: type) -> Table:
    """The keys of a dataclass."""
    # Settings name events only for type checkers.
    hints = get_type_hints(group, localns={"Gap": Gap})
    described = inspect.cleandoc(group.__doc__ or "")
    listed = [one for one in fields(group) if one.init]
    return Table(
        {one.name: _SPECIAL.get((group, one.name)) or kind_or_anything(hints[one.name]) for one in listed},
        group,
        required=[one.name for one in listed if one.default is MISSING and one.default_factory is MISSING],
        defaults={one.name: plain(default_of(one)) for one in listed if _has_plain_default(one)},
        description="" if described.startswith(f"{group.__name__}(") else described,
    )


def default_of(field: Field[Any]) -> Any:
    """Of a field; MISSING if it has none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def plain(value: Any) -> Any:
    """A value as the file would say it, where it can: None is false."""
    if value is None:
        return False
    if is_table(value):
        return {str(name): plain(one) for name, one in value.items()}
    if is_sequence(value):
        return [plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.init}
    return value


def _has_plain_default(field: Field[Any]) -> bool:
    return default_of(field) is not MISSING and not callable(default_of(field))


def _one_of(arguments: Sequence[Any]) -> Kind:
    kinds: list[Kind] = []
    for one in arguments:
        try:
            kind = Constant(False, None, "false for none") if one is type(None) else kind_of(one)
        except TypeError:  # bytes, say, or a path: what a file says is text
            continue
        kinds.append(kind)
        if isinstance(kind, Table) and not kind.required:
            kinds.append(Constant(True, one(), "true for its defaults"))
    kinds.sort(key=lambda kind: isinstance(kind, Constant))
    if not kinds:
        raise TypeError(f"no kind for any of {arguments!r}")
    return kinds[0] if len(kinds) == 1 else OneOf(*kinds)


def _is_callable(hint: Any) -> bool:
    return get_origin(hint) is _CALLABLE


_CALLABLE = get_origin(Callable[[], None])
BY_STREAM = attrgetter("stream")  # of all queued messages of a stream only the newest stays
_SPECIAL: dict[tuple[type, str], Kind] = {
    (Overflow, "key"): OneOf(Named({"stream": BY_STREAM}), Constant(False, None, "false for none"))
}
_PLAIN: dict[Any, Kind] = {float: Number(), int: Whole(), bool: Flag(), str: Text()}
