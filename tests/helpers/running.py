"""`holdfast run` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

GUARD = 60.0  # seconds after which a process that hangs is killed; no test waits for it


class Run:
    """`holdfast run FILE` with these arguments. Its stdout goes to a file, unless it is to be read."""

    def __init__(self, file: Path, *arguments: str, out: Path | None = None, **environ: str) -> None:
        self.out = out or file.with_suffix(".out")
        command = [sys.executable, "-m", "holdfast_cli", "run", str(file), *arguments]
        with self.out.open("wb") as stdout:
            self.process = subprocess.Popen(
                command,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={**os.environ, **environ},
            )
        self._guard = threading.Timer(GUARD, self.process.kill)
        self._guard.start()
        self.log: list[str] = []

    def told(self, words: str) -> str:
        """The next line of the log that contains these words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if words in line:
                return line.rstrip("\n")
        raise AssertionError(f"the log ended without {words!r}:\n{''.join(self.log)}")

    def give(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals | None = signal.SIGTERM) -> int:
        """Give a signal, if any, and wait: the exit code. The rest of the log is in `log`."""
        if number is not None:
            self.process.send_signal(number)
        _, err = self.process.communicate()
        self.log += err.splitlines(keepends=True)
        return self.process.returncode

    def stop(self) -> None:
        self._guard.cancel()
        self._guard.join()
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


def rows(data: bytes) -> list[dict[str, Any]]:
    """Every line, parsed. The last one must be whole."""
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def numbers(told: Iterable[dict[str, Any]]) -> dict[str, list[int]]:
    """The numbers of the trades of each stream, in their order."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in told:
        if "data" in row:
            found[row["stream"]].append(row["data"]["t"])
    return dict(found)


def in_sequence(series: list[int]) -> bool:
    return series == list(range(series[0], series[0] + len(series)))
