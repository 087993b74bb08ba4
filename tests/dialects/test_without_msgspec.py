"""Dialects need msgspec for types only, and say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path[:0] = {paths}
sys.modules["msgspec"] = None
from dialects.samples import {module} as samples
from holdfast import ConfigError
from holdfast.dialects import {module}
update = {module}.{make}.dialect.read(samples.{sample})
assert update.event_time and update.key and update.json(), update
try:
    update.typed()
except ConfigError as error:
    assert "holdfast[exchanges]" in str(error), error
else:
    raise SystemExit("no error")
"""


@pytest.mark.parametrize(
    ("module", "make", "sample"),
    [
        ("okx", "public()", "TRADES"),
        ("kraken", "v2()", "TRADE"),
        ("coinbase", "advanced()", "TRADES"),
        ("bybit", "public('spot')", "TRADE"),
    ],
)
def test_messages_are_read_without_msgspec(module: str, make: str, sample: str) -> None:
    paths = [str(ROOT / "tests"), str(ROOT / "core")]
    script = SCRIPT.format(paths=paths, module=module, make=make, sample=sample)
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
