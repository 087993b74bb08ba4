"""Runs: every client in turn, each run a process of its own, round after round, before one server."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bench.speed.clients import COMPILED, Client
from bench.speed.situations import Situation

LIMIT = 90.0  # seconds for a run
Report = dict[str, float]
Seen = dict[tuple[str, str], list[Report]]
"""The reports, by names of situation and client."""


def carry_out(
    situations: Iterable[Situation], clients: Iterable[Client], rounds: int, tell: Callable[[str], None]
) -> Seen:
    """Clients that are not installed are left out."""
    seen: Seen = {}
    installed = [client for client in clients if client.is_installed]
    for client in clients:
        if client not in installed:
            tell(f"{client.name} is not installed")
    situations = list(situations)
    with server() as port:
        for number in range(rounds):
            for situation in situations:
                if number % situation.every:
                    continue
                for client in installed:
                    if situation.name not in client.situations:
                        continue
                    report = import_cost(client) if situation.name == "import" else run(situation, client, port, tell)
                    if report is not None:
                        seen.setdefault((situation.name, client.name), []).append(report)
                        figures = ", ".join(f"{key} {value:.3f}" for key, value in report.items())
                        tell(f"round {number + 1}, {situation.name}, {client.name}: {figures}")
    return seen


@contextmanager
def server() -> Iterator[int]:
    """Its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.speed.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def run(situation: Situation, client: Client, port: int, tell: Callable[[str], None]) -> Report | None:
    """A client's report; None where there is none."""
    command = [sys.executable, "-m", "bench.speed.worker", situation.name, client.name, str(port)]
    loops = {"PYTHONPATH": str(COMPILED)} if client.compiled else {"HOLDFAST_PURE": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT, check=False, env={**os.environ, **loops}
        )
    except subprocess.TimeoutExpired:
        tell(f"{situation.name}, {client.name}: killed after {LIMIT:.0f} s")
        return None
    lines = done.stdout.splitlines()
    if not lines:
        tell(f"{situation.name}, {client.name}: {done.stderr.strip()[-500:]}")
        return None
    report: Report = json.loads(lines[-1])
    return report


IMPORTS = {
    "websockets": "websockets.asyncio.client",
    "picows.websockets": "picows.websockets",
    "picows, callback": "picows",
    "aiohttp": "aiohttp",
    "Holdfast, asyncio": "holdfast_asyncio",
}


def import_cost(client: Client) -> Report:
    """Milliseconds. One bare interpreter with asyncio is subtracted: no client does without it."""
    return {"cpu": _processor(f"import asyncio, {IMPORTS[client.name]}") - _processor("import asyncio")}


def _processor(code: str) -> float:
    """Of the second time: what is imported is compiled to bytecode at its first import, or when it is installed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT, env=environment)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
