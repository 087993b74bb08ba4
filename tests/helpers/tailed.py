"""`holdfast tail` in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

GUARD = 60.0  # seconds after which a process that hangs is killed; no test waits for it


class Tail:
    """`holdfast tail` with these arguments. Reading past its end fails the test, with what it said on stderr."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "holdfast_cli", "tail", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._guard = threading.Timer(GUARD, self.process.kill)
        self._guard.start()

    def line(self) -> str:
        """The next message."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"stdout ended; stderr:\n{self.end()[2]}"
        return line.rstrip("\n")

    def state(self, word: str) -> str:
        """The next line on stderr that contains the word."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if word in line:
                return line.rstrip("\n")
        raise AssertionError(f"stderr ended without {word!r}")

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Give a signal, if any, and wait: exit code, and the rest of stdout and stderr."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate()
        return self.process.returncode, out, err

    def stop(self) -> None:
        self._guard.cancel()
        self._guard.join()
        self.process.kill()
        self.process.communicate()
