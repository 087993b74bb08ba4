"""Runs: for each a server process and a client process, bounded in time, several at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.peers.clients import Client
from bench.peers.seen import Seen
from bench.peers.situations.base import Situation

GRACE = 15.0  # seconds beyond a situation's own, after which a client's process is ended


@dataclass(frozen=True)
class Run:
    situation: Situation
    client: Client


def carry_out(runs: Iterable[Run], jobs: int, tell: Callable[[Run, Seen], None]) -> dict[Run, Seen]:
    """Those that want the machine for themselves come first, one by one."""
    seen: dict[Run, Seen] = {}
    alone = [run for run in runs if run.situation.alone]
    others = [run for run in runs if not run.situation.alone]

    def do(run: Run) -> None:
        seen[run] = _do(run)
        tell(run, seen[run])

    for run in alone:
        do(run)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(do, others))
    return seen


def _do(run: Run) -> Seen:
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.server", run.situation.script.dump()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = f"ws://127.0.0.1:{int(server.stdout.readline())}/feed"
        report, trouble = _client(run, url)
        ledger, _ = server.communicate("", timeout=GRACE)
    finally:
        server.kill()
        server.wait()
    return Seen(report, json.loads(ledger), trouble)


def _client(run: Run, url: str) -> tuple[dict[str, Any] | None, str | None]:
    """The client's report, or why there is none."""
    client = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.worker", run.situation.name, run.client.name, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = run.situation.seconds + GRACE
    try:
        output, errors = client.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        client.kill()
        client.communicate()
        return None, f"hung: its process was killed after {limit:.0f} s"
    lines = output.splitlines()
    if not lines:
        last = (errors.splitlines() or [""])[-1][:160]
        return None, f"its process died with status {client.returncode}: {last}"
    report: dict[str, Any] = json.loads(lines[-1])
    report["errors"] = errors[-2000:]
    return report, None
