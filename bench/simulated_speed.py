"""How fast simulated time passes: one feed, one message a second, a ping every 20 s, on one core.

    python bench/simulated_speed.py [--hours HOURS] [--runs RUNS]

Each run is measured in processor seconds (what the work costs, whatever else the machine does) and in seconds of the
wall clock. What is printed is the median of the runs, and the lowest and highest.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `fuzz` is

from fuzz.checkers import CHECKERS, Checker
from fuzz.plan import Plan
from fuzz.voyage import Voyage

from holdfast import FeedConfig, FeedOptions, Keepalive
from holdfast.testing import Exchange, Stream
from holdfast.testing.world import Weather, World

HOUR = 3600.0
OPTIONS: FeedOptions = {"keepalive": Keepalive(20.0, 20.0)}


def embedded(seconds: float) -> int:
    """World, Exchange and Fleet as an embedder uses them, with messages in JSON. Messages received."""
    world = World(seed=1)
    exchange = Exchange([Stream("s0", rate=1.0)], ledger_size=1)
    world.add_host("feed.test", exchange)
    exchange.start(world.now)
    fleet = world.make_fleet(FeedConfig.build("ws://feed.test/stream?streams=s0", OPTIONS))
    world.run_process(fleet).start()
    world.run(seconds)
    return fleet.stats(world.now).messages


def voyage(seconds: float, checkers: Iterable[type[Checker]]) -> int:
    """The same as a voyage of the fuzzer without troubles: shorter messages, and a digest of all. Messages received."""
    plan = Plan(
        seed=1,
        seconds=seconds,
        options=OPTIONS,
        streams=("s0",),
        rate=1.0,
        flush_every=0.0,
        server_ping=None,
        weather=Weather(),
        pauses={},
        heals=False,
    )
    return Voyage(plan, checkers).sail().messages


def measure(name: str, work: Callable[[float], int], seconds: float, runs: int) -> None:
    by_processor: list[float] = []
    by_wall: list[float] = []
    for _ in range(runs):
        processor, wall = time.process_time(), time.perf_counter()
        messages = work(seconds)
        by_processor.append(seconds / (time.process_time() - processor))
        by_wall.append(seconds / (time.perf_counter() - wall))
        assert messages >= seconds - 2, "the feed did not run"
    print(f"{name}: {figures(by_processor)} simulated seconds per processor second; by the wall {figures(by_wall)}")


def figures(speeds: list[float]) -> str:
    return f"{median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=12.0, help="simulated, of each run")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {arguments.runs} runs of {arguments.hours:g} simulated hours")
    works: dict[str, Callable[[float], int]] = {
        "World, Exchange, Fleet": embedded,
        "a voyage without checkers": lambda seconds: voyage(seconds, ()),
        "a voyage with all checkers": lambda seconds: voyage(seconds, CHECKERS),
    }
    for name, work in works.items():
        measure(name, work, arguments.hours * HOUR, arguments.runs)


if __name__ == "__main__":
    main()
