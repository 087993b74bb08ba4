"""What a value in the file may be, by the type hint of the setting that it is for.

TOML has no null: where a setting may be None, `false` says so; where it is a group of settings, `true` is the group
with its defaults. Functions are named as `package.module:function`. Whole numbers may be written as sizes: `"10 MiB"`.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import PurePath
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from holdfast import Gap, Overflow
from holdfast_cli.run.guards import is_list, is_sequence, is_table
from holdfast_cli.run.problems import Collector, Problems, child, one_of, problem, under, unknown

Schema = dict[str, Any]


class Kind(Protocol):
    """`allowed`: in words. `fits`: whether a value is at least of that shape, so that its errors are to the point."""

    @property
    def allowed(self) -> str: ...

    def fits(self, value: object) -> bool: ...

    def read(self, key: str, value: Any) -> Any:
        """What the setting becomes. Raises Problems."""
        ...

    def schema(self) -> Schema: ...


class Number:
    allowed = "a number"

    def fits(self, value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def read(self, key: str, value: Any) -> float:
        return value if self.fits(value) else _wrong(self, key, value)  # type: ignore[no-any-return]

    def schema(self) -> Schema:
        return {"type": "number"}


_SIZE = re.compile(r"(\d+) ?(KiB|MiB|GiB)\Z")
_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


class Whole:
    allowed = 'a whole number, or a size such as "10 MiB"'

    def fits(self, value: object) -> bool:
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, str) and _SIZE.match(value) is not None
        )

    def read(self, key: str, value: Any) -> int:
        if isinstance(value, str) and (size := _SIZE.match(value)):
            return int(size[1]) * _UNITS[size[2]]
        return value if self.fits(value) else _wrong(self, key, value)  # type: ignore[no-any-return]

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\d+ ?(KiB|MiB|GiB)$"}]}


class Flag:
    allowed = "true or false"

    def fits(self, value: object) -> bool:
        return isinstance(value, bool)

    def read(self, key: str, value: Any) -> bool:
        return value if isinstance(value, bool) else _wrong(self, key, value)

    def schema(self) -> Schema:
        return {"type": "boolean"}


class Text:
    allowed = "text in quotes"

    def fits(self, value: object) -> bool:
        return isinstance(value, str)

    def read(self, key: str, value: Any) -> str:
        return value if isinstance(value, str) else _wrong(self, key, value)

    def schema(self) -> Schema:
        return {"type": "string"}


class Anything:
    allowed = "any value"

    def fits(self, value: object) -> bool:  # noqa: ARG002
        return True

    def read(self, key: str, value: Any) -> Any:  # noqa: ARG002
        return value

    def schema(self) -> Schema:
        return {}


class Choice:
    """One of some words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.allowed = f"one of {', '.join(words)}"

    def fits(self, value: object) -> bool:
        return isinstance(value, str)

    def read(self, key: str, value: Any) -> str:
        if value in self.words:
            return value  # type: ignore[no-any-return]
        raise problem(key, value, one_of(value, self.words) if isinstance(value, str) else self.allowed)

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


class Constant:
    """One value only; `meaning` is what it becomes."""

    def __init__(self, value: bool, meaning: object, words: str) -> None:
        self._value = value
        self._meaning = meaning
        self.allowed = words

    def fits(self, value: object) -> bool:
        return value is self._value

    def read(self, key: str, value: Any) -> object:
        return self._meaning if self.fits(value) else _wrong(self, key, value)

    def schema(self) -> Schema:
        return {"const": self._value}


class ListOf:
    """`size`: how many there must be, None for any number."""

    def __init__(self, of: Kind, size: int | None = None) -> None:
        self._of = of
        self._size = size
        self.allowed = f"a list of {'' if size is None else f'{size} times '}{of.allowed}"

    def fits(self, value: object) -> bool:
        return is_list(value)

    def read(self, key: str, value: Any) -> tuple[Any, ...]:
        if not is_list(value) or self._size not in (None, len(value)):
            raise problem(key, value, self.allowed)
        return tuple(self._of.read(f"{key}[{index}]", one) for index, one in enumerate(value))

    def schema(self) -> Schema:
        bounds = {} if self._size is None else {"minItems": self._size, "maxItems": self._size}
        return {"type": "array", "items": self._of.schema(), **bounds}


class MapOf:
    """A table with any keys."""

    def __init__(self, of: Kind) -> None:
        self._of = of
        self.allowed = f"a table in which each value is {of.allowed}"

    def fits(self, value: object) -> bool:
        return is_table(value)

    def read(self, key: str, value: Any) -> dict[str, Any]:
        if not is_table(value):
            raise problem(key, value, self.allowed)
        collector, read = Collector(), dict[str, Any]()
        for name, one in value.items():
            with collector:
                read[name] = self._of.read(child(key, name), one)
        collector.check()
        return read

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self._of.schema()}


class Named:
    """A function, or a class, by its name. `words`: those that have a short one."""

    def __init__(self, words: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._words = dict(words or {})
        short = "".join(f'"{word}", or ' for word in self._words)
        self.allowed = f'{short}the name of a function, as "package.module:function"'

    def fits(self, value: object) -> bool:
        return isinstance(value, str)

    def read(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and value in self._words:
            return self._words[value]
        module, colon, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if not colon or not module or not name:
            raise problem(key, value, self.allowed)
        try:
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except Exception as error:  # a module of the user's may raise anything
            raise problem(key, value, f"{self.allowed}; importing it: {type(error).__name__}: {error}") from None
        if not callable(found):
            raise problem(key, value, f"{self.allowed}; that is {type(found).__name__}")
        return found

    def schema(self) -> Schema:
        named = {"type": "string", "pattern": "^[^:]+:[^:]+$"}
        return {"anyOf": [{"enum": list(self._words)}, named]} if self._words else named


class Table:
    """A table with known keys, each with its kind; `make` makes of them what the setting is to be.

    `required` keys must be there. `defaults` and `description` are for the schema.
    """

    def __init__(
        self,
        keys: Mapping[str, Kind],
        make: Callable[..., Any] = dict,
        *,
        required: Iterable[str] = (),
        defaults: Mapping[str, object] | None = None,
        description: str = "",
    ) -> None:
        self.keys = dict(keys)
        self._make = make
        self.required = tuple(required)
        self._defaults = defaults or {}
        self._description = description
        self.allowed = f"a table with any of {', '.join(self.keys)}"

    def fits(self, value: object) -> bool:
        return is_table(value)

    def read(self, key: str, value: Any) -> Any:
        if not is_table(value):
            raise problem(key, value, self.allowed)
        collector, read = Collector(), dict[str, Any]()
        for name, one in value.items():
            with collector:
                if name not in self.keys:
                    raise unknown(key, name, self.keys)
                read[name] = self.keys[name].read(child(key, name), one)
        for name in self.required:
            if name not in value:
                collector.lines.append(f"{child(key, name)} is missing: must be {self.keys[name].allowed}")
        collector.check()
        with under(key):
            return self._make(**read)

    def schema(self) -> Schema:
        properties = {name: kind.schema() for name, kind in self.keys.items()}
        for name, default in self._defaults.items():
            properties[name] = {**properties[name], "default": default}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if self.required:
            schema["required"] = list(self.required)
        if self._description:
            schema["description"] = self._description
        return schema


class OneOf:
    """Any of several kinds."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds
        self.allowed = ", or ".join(kind.allowed for kind in kinds)

    def fits(self, value: object) -> bool:
        return any(kind.fits(value) for kind in self.kinds)

    def read(self, key: str, value: Any) -> Any:
        fitting = [kind for kind in self.kinds if kind.fits(value)]
        for kind in fitting[:-1]:
            try:
                return kind.read(key, value)
            except Problems:
                continue
        if not fitting:
            raise problem(key, value, self.allowed)
        return fitting[-1].read(key, value)

    def schema(self) -> Schema:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


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
        if one in (bytes, PurePath):
            continue  # nobody writes these in a file; a path is text there
        kind = Constant(False, None, "false for none") if one is type(None) else kind_of(one)
        kinds.append(kind)
        if isinstance(kind, Table) and not kind.required:
            kinds.append(Constant(True, one(), "true for its defaults"))
    kinds.sort(key=lambda kind: isinstance(kind, Constant))
    if not kinds:
        raise TypeError(f"no kind for any of {arguments!r}")
    return kinds[0] if len(kinds) == 1 else OneOf(*kinds)


def _is_callable(hint: Any) -> bool:
    return get_origin(hint) is _CALLABLE


def _wrong(kind: Kind, key: str, value: object) -> Any:
    raise problem(key, value, kind.allowed)


_CALLABLE = get_origin(Callable[[], None])
# Of all queued messages of a stream only the newest stays.
_SPECIAL: dict[tuple[type, str], Kind] = {
    (Overflow, "key"): OneOf(Named({"stream": attrgetter("stream")}), Constant(False, None, "false for none"))
}
_PLAIN: dict[Any, Kind] = {float: Number(), int: Whole(), bool: Flag(), str: Text()}
