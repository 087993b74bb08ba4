"""A file of TOML, and what stands in it for the environment to say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from holdfast_cli.run.guards import is_list, is_table
from holdfast_cli.run.problems import Collector, Problems, child

# ${NAME}, or ${NAME:-what to take if it is not set}; $${ is what it is.
_VARIABLE = re.compile(r"\$(\$)?\{(\w*)(?::-([^}]*))?\}")
_BITS = 63  # and a sign


def parse(path: Path) -> dict[str, Any]:
    """What the file says. Raises Problems."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except OSError as error:
        raise Problems([f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise Problems([f"is not UTF-8: byte {error.start}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise Problems([f"is not TOML: {error}"]) from None
    except ValueError:
        raise Problems(["is not TOML: a whole number of more than 64 bits"]) from None


def filled(value: Any, environ: Mapping[str, str], key: str = "") -> Any:
    """The same with every `${NAME}` replaced. Raises Problems that name each variable that is not set, and each number
    that is none of TOML.
    """
    collector = Collector()
    if is_table(value):
        made: dict[str, Any] = {}
        for name, one in value.items():
            with collector:
                made[name] = filled(one, environ, child(key, name))
        collector.check()
        return made
    if is_list(value):
        listed: list[Any] = []
        for index, one in enumerate(value):
            with collector:
                listed.append(filled(one, environ, f"{key}[{index}]"))
        collector.check()
        return listed
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise Problems([f"{key}: a whole number of more than 64 bits: TOML has none"])
    return _fill(value, environ, key) if isinstance(value, str) else value


def has_variable(text: str) -> bool:
    """Whether the environment has a say in it."""
    return any(match[1] is None for match in _VARIABLE.finditer(text))


def _fill(text: str, environ: Mapping[str, str], key: str) -> str:
    def value_of(match: re.Match[str]) -> str:
        escaped, name, default = cast("tuple[str | None, str, str | None]", match.groups())
        if escaped:
            return match[0][1:]
        if not name:
            raise Problems([f"{key}: ${{}} names no variable: write ${{NAME}}, or $${{}} for what it is"])
        value = environ.get(name) if default is None else environ.get(name, default)
        if value is None:
            raise Problems([f"{key}: the environment variable {name} is not set: set it, or write ${{{name}:-...}}"])
        return value

    return _VARIABLE.sub(value_of, text)


def merged(*tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables in tables put together; the later one counts."""
    result: dict[str, Any] = {}
    for table in tables:
        for name, value in table.items():
            before = result.get(name)
            result[name] = merged(before, value) if is_table(before) and is_table(value) else value
    return result
