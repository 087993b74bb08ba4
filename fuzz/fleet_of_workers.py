"""Processes that work through seeds side by side, and one line that tells how far they are."""

from __future__ import annotations

import gc
import json
import multiprocessing
import queue
import sys
import time
import traceback
from multiprocessing.queues import Queue as QueueOf
from pathlib import Path
from typing import Any

from fuzz.jobs import JOBS
from fuzz.tally import Result, Tally

_OTHER_JOBS = {0: "machine", 15: "readers", 30: "twice", 45: "twice"}  # of every sixty
_GARBAGE_KEPT = 50_000  # objects; a voyage makes little that refers to itself
_PATIENCE = 120.0  # real seconds beyond the end for a job that is still under way


def run(seconds: float, processes: int, first_seed: int, report: Path | None = None) -> int:
    """Until the time is up or something is found. The exit status. `report`: a file for the summary, as JSON."""
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
    print(tally.summary())
    if report is not None:
        report.write_text(json.dumps(tally.report(failed), indent=2) + "\n", encoding="utf-8")
    if failed is None:
        print("nothing found")
        return 0
    print(f"\n{failed.problem}\nfound by: {failed.way_back}")
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
    gc.freeze()  # what was imported stays
    gc.set_threshold(_GARBAGE_KEPT)
    seed, number = first_seed, 0
    while time.time() < until:
        kind = _OTHER_JOBS.get(number % 60, "voyage")
        began = time.time()
        try:
            outcome, problem = JOBS[kind](seed), None
        except BaseException:  # also what Hypothesis raises: it is told, with the way back to it
            outcome, problem = None, traceback.format_exc()
        results.put(Result(kind, seed, time.time() - began, outcome, problem))
        seed, number = seed + step, number + 1
