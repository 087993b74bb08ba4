"""docs/testing.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from holdfast.testing import world
from holdfast.testing.world import Dialling, Observer

TEXT = (Path(__file__).parents[3] / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_examples_run_in_order():
    namespace: dict[str, Any] = {"__name__": "example"}
    for block in BLOCKS:
        exec(compile(block, "docs/testing.md", "exec"), namespace)
    assert namespace["recorder"].messages > 0
    assert namespace["checker"].heard > 0


def test_every_name_stands_there():
    assert [name for name in world.__all__ if not re.search(rf"`{name}\b|\b{name}\.", TEXT)] == []
    assert [one.name for one in Dialling if one.name not in TEXT] == []


def test_every_hook_stands_there():
    hooks = [name for name in vars(Observer) if name.startswith("on_")]
    assert re.findall(r"^\| `(on_\w+)`", TEXT, re.MULTILINE) == hooks
