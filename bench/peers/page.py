"""docs/comparison.md, made of what was seen."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from bench.peers.clients import CLIENTS, Client
from bench.peers.runs import Run
from bench.peers.seen import Seen
from bench.peers.situations import SITUATIONS
from bench.peers.situations.base import Situation
from bench.peers.situations.slow import QUEUE_BYTES

HEAD = """\
# Comparison

The same situations for other clients and for Holdfast, on real loopback sockets. Each cell says what was seen in one
run, whether it speaks for a client or against it. `make compare` repeats all of it and writes this page; see
[bench](../bench/README.md).
"""

CLIENTS_TEXT = """\
## The clients

Settings are the libraries' defaults, unless the situation names one, without compression.

| column | is |
|---|---|
| websockets | `async for connection in connect(...)` on asyncio, with the subscription sent in its body |
| websockets.trio | the same loop on trio |
| picows.websockets | the same loop, with the module of that interface that comes with picows |
| picows, our loop | callbacks that put messages into an `asyncio.Queue`; the queue and the reconnection are ours |
| aiohttp, our loop | `session.ws_connect`; the reconnection is ours |
| Holdfast | `feed.items()`, with `on_open` for the subscription |

A loop of ours dials again a second after whatever happened; its library has no reconnection of its own.
"""

WORDS = """\
*Lost* are messages that were published between two that came, and never came themselves. They are *announced* if the
application was given any sign between the two: an exception, the end of an iteration, or, of Holdfast, a `Gap`. Memory
is how far the process grew from its first message on.
"""

REPEAT = """\
## Repeat it

    make compare                                             # all, and this page
    .venv-compare/bin/python -m bench.peers --help
    .venv-compare/bin/python -m bench.peers --situation break --client websockets.trio --verbose
"""


@dataclass(frozen=True)
class Circumstances:
    """`load` is the machine's load average of a minute before the start, `took` seconds in all."""

    date: str
    load: float
    took: float


def cell(run: Run, seen: Seen) -> str:
    if seen.trouble is not None:
        return seen.trouble
    if (broken := seen.finding.get("loop_raised")) is not None:
        return f"the event loop broke: {broken}"
    return run.situation.cell(seen)


def page(seen: dict[Run, Seen], circumstances: Circumstances) -> str:
    everybody = tuple(CLIENTS.values())
    ours = tuple(client for client in everybody if client.is_holdfast)
    shared = [situation for situation in SITUATIONS.values() if not situation.holdfast_only]
    policies = [situation for situation in SITUATIONS.values() if situation.holdfast_only]
    parts = [
        HEAD,
        _circumstances(circumstances),
        "## What was seen\n\n" + _table("", shared, everybody, seen),
        WORDS,
        f"## At the bound of Holdfast's queue\n\n{_text_of_policies()}\n\n"
        + _table("`Overflow.policy`", policies, ours, seen),
        "## The situations",
        *(f"**{one.title}** (`{one.name}`). {one.text}" for one in shared),
        CLIENTS_TEXT,
        REPEAT,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _circumstances(circumstances: Circumstances) -> str:
    libraries = sorted({client.distribution for client in CLIENTS.values()} | {"trio", "wsproto"})
    versions = ", ".join(f"{library} {version(library)}" for library in libraries)
    return (
        f"{circumstances.date}: {versions}; {platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()}, {os.cpu_count()} cores, load average {circumstances.load:.1f} before the start; "
        f"{circumstances.took / 60:.0f} minutes in all."
    )


def _text_of_policies() -> str:
    one = next(situation for situation in SITUATIONS.values() if situation.holdfast_only)
    return (
        f"{one.script.rate:.0f} messages a second of {one.script.size} bytes and a consumer at a tenth of that, as in "
        f"the first such row above, but the queue is bounded at {QUEUE_BYTES // 2**20} MiB and not at 64, so that each "
        "policy has to act. `conflate` has ten keys; `fail` ends the feed by choice."
    )


def _table(corner: str, situations: Iterable[Situation], clients: Sequence[Client], seen: dict[Run, Seen]) -> str:
    rows = [[corner, *(client.title for client in clients)], ["---"] * (len(clients) + 1)]
    for situation in situations:
        rows.append([situation.title, *(_found(Run(situation, client), seen) for client in clients)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _found(run: Run, seen: dict[Run, Seen]) -> str:
    return cell(run, seen[run]).replace("|", "\\|") if run in seen else "not run"
