"""What a situation is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.peers.consumers import Consumer
from bench.peers.loops import Loop
from bench.peers.script import Script
from bench.peers.seen import Seen
from bench.peers.wanted import Wanted
from bench.peers.workloads import Workload, watch


@dataclass(frozen=True)
class Situation:
    """One row: a server, a consumer, what the client is asked for, and what a cell says of a run.

    `title` is the row's head, `text` says what happens and what the cell counts. `alone`: nothing else runs beside it,
    because it asks for the whole processor. `holdfast_only`: it is about settings that others have not.
    """

    name: str
    title: str
    text: str
    cell: Callable[[Seen], str]
    seconds: float
    script: Script = field(default_factory=Script)
    wanted: Wanted = field(default_factory=Wanted)
    consumer: Callable[[Loop], Consumer] = Consumer
    workload: Workload = watch
    alone: bool = False
    holdfast_only: bool = False
