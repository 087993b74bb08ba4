"""One run of one client, inside its process: it runs the client, watches what it costs, and reports."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bench.peers.clients import Run
from bench.peers.consumers import Consumer, describe
from bench.peers.loops import Loop
from bench.peers.wanted import Wanted

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Counts:
    """What a client has in its process."""

    tasks: int
    sockets: int

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.tasks - other.tasks, self.sockets - other.sockets)


class Stage:
    """`seconds`: how long the situation lasts."""

    def __init__(self, run: Run, url: str, wanted: Wanted, seconds: float, consumer: Consumer, loop: Loop) -> None:
        self.loop = loop
        self.consumer = consumer
        self.seconds = seconds
        self.findings: dict[str, Any] = {}
        self._run = run
        self._url = url
        self._wanted = wanted
        self._begun = time.monotonic()
        self._memory = Memory(lambda: consumer.account.messages > 0)

    async def client(self) -> None:
        """The client, until it is cancelled or comes out; what comes out goes on."""
        await self._run(self._url, self._wanted, self.consumer)

    async def client_alone(self) -> None:
        """The same; what it comes out with is noted down."""
        try:
            await self.client()
            self.consumer.account.ended = "returned"
        except Exception as error:
            self.consumer.account.ended = describe(error)

    def counts(self) -> Counts:
        gc.collect()
        return Counts(self.loop.tasks(), sockets())

    def elapsed(self) -> float:
        return time.monotonic() - self._begun

    def report(self) -> NoReturn:
        """Print everything and end the process: what a client does at an exit is not looked at here."""
        report = {
            "begun": self._begun,
            "ended": time.monotonic(),
            "grew": self._memory.grew,
            "account": self.consumer.account.dump(),
            **self.findings,
        }
        print(json.dumps(report), flush=True)
        sys.stderr.flush()
        os._exit(0)


def sockets() -> int:
    """Open sockets of this process."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += entry.readlink().as_posix().startswith("socket:")
        except FileNotFoundError:  # the one that lists the others
            continue
    return found


class Memory:
    """How far resident memory grew from the first message on, at its highest; looked at by a thread."""

    def __init__(self, begun: Callable[[], bool]) -> None:
        self._begun = begun
        self._before: int | None = None
        self._highest = 0
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def grew(self) -> int:
        """Bytes."""
        return 0 if self._before is None else self._highest - self._before

    def _watch(self) -> None:
        while True:
            if self._begun():
                resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE
                self._before = resident if self._before is None else self._before
                self._highest = max(self._highest, resident)
            time.sleep(0.05)
