"""The user's functions in simulated time: coroutines that wait for the machine, or for the clock, and for nothing else.

There is no event loop. Whatever a function waits for is looked at after every input; a function that can go on does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from holdfast.fleet import Fleet
from holdfast.jobs import Job, run_job


class _Wait:
    """What a function of the user's waits for."""

    __slots__ = ("ready", "seconds")

    def __init__(self, ready: Callable[[], bool] | None = None, seconds: float = math.inf) -> None:
        self.ready = ready
        self.seconds = seconds

    def __await__(self) -> Generator[_Wait, None, None]:
        yield self


async def sleep(seconds: float) -> None:
    """For `on_connect`, and functions that make endpoints, in a simulated world: go on after so much simulated time."""
    await _Wait(seconds=seconds)


class _Running:
    __slots__ = ("conn", "coroutine", "ended", "ready")

    def __init__(self, conn: int, coroutine: Coroutine[Any, Any, None]) -> None:
        self.conn = conn
        self.coroutine = coroutine
        self.ready: Callable[[], bool] = lambda: True
        self.ended = False


class Jobs:
    """Runs them for one process, while that `is_awake`.

    `settle` carries out what the machine says; `call_at` makes an appointment.
    """

    def __init__(
        self,
        fleet: Fleet,
        now: Callable[[], float],
        settle: Callable[[], None],
        call_at: Callable[[float, Callable[[], None]], object],
        is_awake: Callable[[], bool],
    ) -> None:
        self.fleet = fleet
        self.now = now
        self.settle = settle
        self._call_at = call_at
        self._is_awake = is_awake
        self._running: dict[int, _Running] = {}
        self._stepping: _Running | None = None

    # What functions await

    async def until(self, ready: Callable[[], bool]) -> None:
        if not ready():
            await _Wait(ready)

    async def flush(self) -> None:
        """Nothing ever holds up a writer here."""

    # What the process does

    @property
    def running(self) -> set[int]:
        """The connections for which one runs."""
        return set(self._running)

    def start(self, job: Job) -> None:
        """It runs when `go_on` is called."""
        self._running[job.conn] = _Running(job.conn, self._run(job))

    def end(self, conn: int) -> None:
        """At once; with GeneratorExit, as a coroutine that is closed."""
        if (running := self._running.pop(conn, None)) is not None:
            running.ended = True
            if running is not self._stepping:
                running.coroutine.close()

    def go_on(self) -> None:
        """To be called after every input, and when the process wakes."""
        if self._running and self._stepping is None:
            while self._is_awake() and (one := next((one for one in self._running.values() if one.ready()), None)):
                self._step(one)

    def _step(self, running: _Running) -> None:
        self._stepping = running
        try:
            wait: object = running.coroutine.send(None)
        except StopIteration:
            return
        finally:
            self._stepping = None
        if running.ended:
            running.coroutine.close()
        elif not isinstance(wait, _Wait):
            self.end(running.conn)
            raise RuntimeError("no event loop runs here: await the connection, or holdfast.testing.world.sleep")
        elif wait.ready is not None:
            running.ready = wait.ready
        else:
            at = self.now() + wait.seconds
            running.ready = lambda: self.now() >= at
            self._call_at(at, self.go_on)

    async def _run(self, job: Job) -> None:
        report = await run_job(self, job)
        self._running.pop(job.conn, None)
        report()
        self.settle()
