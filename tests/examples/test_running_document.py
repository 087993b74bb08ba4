"""What docs/running.md says is so: keys, defaults, files, exit codes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from holdfast_cli.exits import Exit
from holdfast_cli.run.feed_plan import feed_kinds, option_kinds
from holdfast_cli.run.file import LogOptions, StatusOptions, read, schema
from holdfast_cli.run.profiles import PROFILES
from holdfast_cli.run.sink_plan import SinkOptions
from holdfast_cli.run.sinks import Files, UnixSocket

DOCUMENT = (Path(__file__).parents[2] / "docs" / "running.md").read_text("utf-8")


def section(title: str) -> str:
    """From this heading to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows(title: str) -> dict[str, list[str]]:
    """The cells of a section's table, by the key in the first one."""
    lines = [line for line in section(title).splitlines() if line.startswith(("| `", "| "))]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {one[0].strip("`"): one[1:] for one in cells[1:]}


def shown(default: object) -> str:
    if default is MISSING:
        return "\N{EN DASH}"
    if default is None or isinstance(default, bool):
        return str(bool(default)).lower()
    if default == ():
        return "[]"
    if isinstance(default, int) and default >= 1024 * 1024:
        return f"{default // 1024**2} MiB"
    return f'"{default}"' if isinstance(default, str) else f"{default:g}"


@pytest.mark.parametrize(
    ("title", "group", "beside"),
    [
        ("Sinks", SinkOptions, {"type"}),
        ("files", Files, set[str]()),
        ("unix", UnixSocket, set[str]()),
        ("log", LogOptions, set[str]()),
        ("status", StatusOptions, set[str]()),
    ],
)
def test_every_key_stands_there_with_its_default(title: str, group: type, beside: set[str]) -> None:
    told = rows(title)
    known = {field.name: field for field in fields(group) if field.init}
    assert told.keys() == known.keys() | beside
    for name, field in known.items():
        assert told[name][0] == shown(field.default), name


def test_the_keys_of_the_file_and_of_a_feed_stand_there() -> None:
    assert rows("The file").keys() == schema()["properties"].keys()
    own = feed_kinds().keys() - option_kinds().keys() | {"tls"}
    assert rows("A feed").keys() == own
    defaults = {name: one.get("default") for name, one in schema()["properties"].items()}
    for name in ("profile", "close_timeout", "ends_with"):
        assert rows("The file")[name][0] == shown(defaults[name])


def test_every_profile_and_exit_code_stands_there() -> None:
    assert list(rows("Profiles")) == list(PROFILES)
    told = [int(code) for codes in rows("Exit codes") for code in codes.split(", ")]
    assert told == [int(code) for code in Exit]


@pytest.mark.parametrize("block", re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL))
def test_what_is_shown_of_a_file_is_right(block: str) -> None:
    table = tomllib.loads(block)
    table.get("sinks", {}).pop("hook", None)  # of a package that is not there
    if "feeds" in table:
        read(table, {})


def test_the_sink_that_is_shown_is_one() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    names: dict[str, type] = {}
    exec(block, names)
    assert all(callable(getattr(names["Webhook"], name)) for name in ("open", "write", "close"))
