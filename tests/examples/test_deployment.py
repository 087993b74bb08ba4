"""docs/deployment.md, and what it shows: alerts, a unit, a Dockerfile."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "deployment.md").read_text("utf-8")
ALERTS = (ROOT / "examples" / "alerts.yml").read_text("utf-8")


@pytest.mark.parametrize(("name", "language"), [("holdfast.service", "ini"), ("Dockerfile", "dockerfile")])
def test_what_is_shown_is_what_is_there(name: str, language: str) -> None:
    shown = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert shown == [(ROOT / "examples" / "deploy" / name).read_text("utf-8")]


def test_every_alert_stands_there() -> None:
    assert re.findall(r"^\| `(Holdfast\w+)`", DOCUMENT, re.MULTILINE) == re.findall(r"alert: (\w+)", ALERTS)


def test_every_metric_is_one() -> None:
    documents = "".join((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("observing", "running"))
    known = set(re.findall(r"^\| `(holdfast_\w+)`", documents, re.MULTILINE))
    asked = {name.removesuffix("_bucket") for name in re.findall(r"holdfast_\w+", ALERTS)}
    assert asked
    assert asked <= known


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "command", [["check", "rules", "examples/alerts.yml"], ["test", "rules", "tests/examples/alerts_test.yml"]]
)
def test_promtool_takes_the_alerts_and_they_fire_when_they_should(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "holdfast.service"
    text = (ROOT / "examples" / "deploy" / "holdfast.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/holdfast/bin/holdfast", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert "holdfast.service" not in done.stderr, done.stderr
