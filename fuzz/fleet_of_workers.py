"""Processes that work through seeds side by side, and one line that tells how far they are."""

from __future__ import annotations

import multiprocessing
import queue
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.queues import Queue as QueueOf
from typing import Any

from fuzz.jobs import JOBS, Outcome

_DAY = 86400.0
_OTHER_JOBS = {0: "machine", 5: "readers", 10: "twice", 15: "twice"}  # of every twenty
_PATIENCE = 120.0  # real seconds beyond the end for a job that is still under way


@dataclass(frozen=True)
class Result:
    """Of one job; `problem` is a traceback."""

    kind: str
    seed: int
    took: float
    outcome: Outcome | None
    problem: str | None


@dataclass
class Tally:
    """Of a whole run."""

    jobs: Counter[str] = field(default_factory=Counter[str])
    simulated: float = 0.0
    dials: int = 0
    troubles: Counter[str] = field(default_factory=Counter[str])
    slowest: Result | None = None

    def add(self, result: Result) -> None:
        self.jobs[result.kind] += 1
        if result.outcome is not None:
            self.simulated += result.outcome.simulated
            self.dials += result.outcome.dials
            self.troubles += result.outcome.troubles
        if self.slowest is None or result.took > self.slowest.took:
            self.slowest = result

    def __str__(self) -> str:
        jobs = ", ".join(f"{count} {kind}" for kind, count in sorted(self.jobs.items()))
        text = f"{self.simulated / _DAY:.1f} simulated days, {jobs or 'no job yet'}, {self.dials} dials"
        text += f", {self.troubles.total()} troubles"
        if self.slowest is not None:
            text += f", slowest: {self.slowest.kind} {self.slowest.seed} ({self.slowest.took:.1f} s)"
        return text


def run(seconds: float, processes: int, first_seed: int) -> int:
    """Until the time is up or something is found. The exit status."""
    context = multiprocessing.get_context("spawn")
    results: QueueOf[Result] = context.Queue()
    until = time.time() + seconds
    workers = [
        context.Process(target=_work, args=(results, first_seed + number, processes, until), daemon=True)
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    tally, failed = Tally(), None
    try:
        failed = _collect(results, workers, tally, until)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    print(f"\n{tally}" if sys.stdout.isatty() else tally)
    print("troubles:", ", ".join(f"{kind} {count}" for kind, count in tally.troubles.most_common()))
    if failed is None:
        print("nothing found")
        return 0
    print(f"\n{failed.problem}\nfound by: python -m fuzz {failed.kind} {failed.seed}")
    return 1


def _collect(results: QueueOf[Result], workers: list[Any], tally: Tally, until: float) -> Result | None:
    """Count results until all workers are done; the first failure, if there is one."""
    told = time.time()
    while True:
        try:
            result = results.get(timeout=1.0)
        except queue.Empty:
            if not any(worker.is_alive() for worker in workers):
                dead = [worker for worker in workers if worker.exitcode]
                return Result("worker", 0, 0.0, None, f"a worker died with status {dead[0].exitcode}") if dead else None
            if time.time() > until + _PATIENCE:
                return Result("worker", 0, 0.0, None, f"a job hangs: none came back for {_PATIENCE:g} s after the end")
            continue
        tally.add(result)
        if result.problem is not None:
            return result
        if sys.stdout.isatty():
            print(f"\r\x1b[K{tally}", end="", flush=True)
        elif time.time() - told > 10:
            told = time.time()
            print(tally, flush=True)


def _work(results: QueueOf[Result], first_seed: int, step: int, until: float) -> None:
    seed, number = first_seed, 0
    while time.time() < until:
        kind = _OTHER_JOBS.get(number % 20, "voyage")
        began = time.time()
        try:
            outcome, problem = JOBS[kind](seed), None
        except BaseException:  # also what Hypothesis raises: it is told, with the way back to it
            outcome, problem = None, traceback.format_exc()
        results.put(Result(kind, seed, time.time() - began, outcome, problem))
        seed, number = seed + step, number + 1
