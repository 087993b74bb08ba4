"""Tables as TOML; the standard library only reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from holdfast_cli.run.guards import is_list, is_table
from holdfast_cli.run.problems import child

_WIDTH = 120


def toml(table: Mapping[str, Any]) -> str:
    """Of plain values: str, bool, int, float, lists and tables."""
    return "\n".join(_table("", table)).lstrip("\n") + "\n"


def _table(key: str, table: Mapping[str, Any]) -> Iterator[str]:
    tables = {name: value for name, value in table.items() if is_table(value) and value}
    plain = {name: value for name, value in table.items() if name not in tables}
    if key and (plain or not tables):
        yield f"\n[{key}]"
    for name, value in plain.items():
        yield f"{child('', name)} = {_value(value)}"
    for name, value in tables.items():
        yield from _table(child(key, name), value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if is_list(value):
        listed = [_value(one) for one in value]
        line = f"[{', '.join(listed)}]"
        return line if len(line) < _WIDTH - 30 else "[\n" + "".join(f"    {one},\n" for one in listed) + "]"
    if is_table(value):
        return "{" + ", ".join(f"{child('', name)} = {_value(one)}" for name, one in value.items()) + "}"
    return repr(value)
