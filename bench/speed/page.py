"""docs/performance.md and its picture, made of what was seen."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench.speed.clients import CLIENTS, Client
from bench.speed.runs import Seen
from bench.speed.situations import SITUATIONS, Situation

HEAD = """\
# Performance

What clients cost, each as its documentation has it, without compression, on real loopback sockets. Holdfast has all of
itself on: deadlines, keepalive, statistics, its bounded queue, the watch over gaps. `make bench` repeats all of it and
writes this page; see [bench](../bench/README.md).

Figures are processor time of the client's process, the operating system's for it included; the server has a process of
its own. Clients run in turn, each run in a fresh process, and what is told is the median of the runs, with the lowest
and the highest. Compare within one table: another machine, or another hour of the same, has other figures. *Times the
best* is the median divided by the lowest median of the table.
"""

CLIENTS_TEXT = """\
## The clients

| client | is |
|---|---|
| websockets, websockets.trio | `async for message in connection` |
| picows.websockets | `await connection.recv()`, the interface of websockets that comes with picows |
| picows, callback | `on_ws_frame`, which asks for the type of the frame and for its text; nothing is queued |
| aiohttp | `await session_websocket.receive()` |
| trio-websocket | `await connection.get_message()` |
| Holdfast | `async for message in feed` |
| Holdfast, batches | `async for batch in feed.batches()` |
| Holdfast, compiled | the same with `holdfast[fast]`, the compiled loops |

picows and aiohttp are compiled; Holdfast is Python, but for the loops of `holdfast[fast]` where its name says so. What
each of them does when something goes wrong is in [the comparison](comparison.md).
"""

REPEAT = """\
## Repeat it

    make bench                                                # all, and this page
    .venv-compare/bin/python -m bench.speed --situation throughput latency --rounds 5
    .venv-compare/bin/python -m bench.speed --client "Holdfast, asyncio" picows.websockets
    make bench-core                                           # Holdfast alone, without sockets
"""

PICTURE = "performance.svg"


@dataclass(frozen=True)
class Circumstances:
    """`load` is the machine's load average of a minute before the start, `took` seconds in all."""

    date: str
    rounds: int
    load: float
    took: float


def page(seen: Seen, circumstances: Circumstances, *, picture: bool) -> str:
    parts = [HEAD, _circumstances(circumstances)]
    if picture:
        parts.append(f"![processor time for a message, by client]({PICTURE})")
    for situation in SITUATIONS.values():
        parts.append(f"## {situation.title}\n\n{situation.text}\n\n{table(situation, seen)}")
    parts += [CLIENTS_TEXT, REPEAT]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def takes_part(situation: Situation) -> list[Client]:
    return [client for client in CLIENTS.values() if situation.name in client.situations]


def table(situation: Situation, seen: Seen) -> str:
    """A row for every client, the best first; those that did not run last."""
    clients = sorted(takes_part(situation), key=lambda client: _median(situation, client, seen))
    best = _median(situation, clients[0], seen)
    heads = [head for _, head, _ in situation.figures]
    rows = [["client", *heads, "times the best"], ["---"] * (len(heads) + 2)]
    for client in clients:
        reports = seen.get((situation.name, client.name))
        if reports is None:
            rows.append([client.name, *["not run"] * len(heads), ""])
            continue
        cells: list[str] = []
        for number, (key, _, form) in enumerate(situation.figures):
            values = [report[key] for report in reports]
            spread = f" ({min(values):{form}} to {max(values):{form}})" if number == 0 and len(values) > 1 else ""
            cells.append(f"{median(values):{form}}{spread}")
        rows.append([client.name, *cells, f"{_median(situation, client, seen) / best:.2f}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _median(situation: Situation, client: Client, seen: Seen) -> float:
    reports = seen.get((situation.name, client.name))
    return median(report[situation.figures[0][0]] for report in reports) if reports else float("inf")


def _circumstances(circumstances: Circumstances) -> str:
    installed = {client.distribution for client in CLIENTS.values() if client.is_installed}
    versions = ", ".join(f"{library} {version(library)}" for library in sorted(installed | {"trio", "wsproto"}))
    return (
        f"{circumstances.date}: {versions}; {platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()}, {os.cpu_count()} cores, load average {circumstances.load:.1f} before the start; "
        f"{circumstances.rounds} rounds, {circumstances.took / 60:.0f} minutes in all."
    )


def draw(seen: Seen, path: Path) -> bool:
    """The throughput table as bars. Whether it could be drawn: that needs matplotlib."""
    try:
        from matplotlib import use
    except ImportError:
        return False
    use("svg")
    from matplotlib import pyplot as plt

    situation = SITUATIONS["throughput"]
    ran = [client for client in takes_part(situation) if (situation.name, client.name) in seen]
    clients = sorted(ran, key=lambda client: -_median(situation, client, seen))
    values = [_median(situation, client, seen) for client in clients]
    colours = ["#1f6f5c" if client.is_holdfast else "#9aa5ab" for client in clients]
    plt.rcParams["svg.hashsalt"] = "holdfast"  # the same figures, the same file
    figure, axes = plt.subplots(figsize=(8, 0.45 * len(clients) + 1))
    bars = axes.barh([client.name for client in clients], values, color=colours)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_xscale("log")
    axes.set_xlim(0.1, max(values) * 2)
    axes.set_xlabel("processor time, µs for a message of 300 bytes (logarithmic; less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    return True
