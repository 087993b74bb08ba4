"""What a value in the file may be.

TOML has no null: where a setting may be None, `false` says so; where it is a group of settings, `true` is the group
with its defaults. Functions are named as `package.module:function`. Whole numbers may be written as sizes: `"10 MiB"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol

from holdfast_cli.run.guards import is_list, is_table
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


_SIZE = re.compile(r"(\d{1,15}) ?(KiB|MiB|GiB)\Z")
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
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\d{1,15} ?(KiB|MiB|GiB)$"}]}


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
        with under(key, getattr(self._make, "__name__", "")):
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


def _wrong(kind: Kind, key: str, value: object) -> Any:
    raise problem(key, value, kind.allowed)
