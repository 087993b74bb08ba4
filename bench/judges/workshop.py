"""A copy of the judges to run them in: they fetch what they need, and write what they find, beside themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

TRANSPORTS = ("asyncio", "trio")
NAMES = {transport: f"holdfast-{transport}" for transport in TRANSPORTS}
_PARTS = ("faults", "autobahn")


class Broken(Exception):
    """A judge could not be run; it says why."""


class Workshop:
    """The folder `scratch`, where the judges of the folder `judges` are run and leave their results."""

    def __init__(self, judges: Path, scratch: Path) -> None:
        self._judges = judges
        self.root = scratch.resolve()
        self.results = self.root / "results"

    def copy(self) -> None:
        for part in _PARTS:
            shutil.rmtree(self.root / part, ignore_errors=True)
            shutil.copytree(self._judges / part, self.root / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy2(self._judges / "setup.sh", self.root)
        self.results.mkdir(exist_ok=True)

    def fetch_autobahn(self) -> Path:
        """Its interpreter: the one beside the judges, or else one fetched here, once. Raises Broken."""
        for place in (self._judges.resolve(), self.root):
            if (python := place / "py27" / "py27.sh").exists():
                return python
        print("fetching the Autobahn test suite and the Python 2.7 it needs, once ...", flush=True)
        done = subprocess.run(
            ["bash", "setup.sh", "autobahn"], cwd=self.root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(self.root / "py27", ignore_errors=True)  # half of it must not pass for the whole
            raise Broken(f"the Autobahn test suite could not be fetched: {_last_line(done.stderr or done.stdout)}")
        return python

    def run(self, *command: str | Path, **environment: str) -> None:
        """What is printed is shown. That a judge finds faults is no error here."""
        subprocess.run([str(word) for word in command], env={**os.environ, **environment}, check=False)


def is_there(judges: Path) -> bool:
    return all((judges / part).is_dir() for part in _PARTS)


def client(transport: str) -> Path:
    """The script that stands before both judges."""
    return Path(__file__).with_name(f"{transport}_client.py")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
