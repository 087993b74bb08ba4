"""`python -m fuzz`: voyages and state machines until the time is up, or until one fails; then the way back to it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from fuzz.fleet_of_workers import run
from fuzz.jobs import JOBS, sail_twice, sail_voyage


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_SECONDS", "300")))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at the same time")
    parser.add_argument(
        "--first-seed", type=int, default=None, help="default: from the clock, so that no run repeats another"
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=os.environ.get("FUZZ_REPORT") or None,
        help="a file for the closing summary, as JSON",
    )
    commands = parser.add_subparsers(dest="command", metavar="JOB SEED")
    for name, job in JOBS.items():
        one = commands.add_parser(name, help=job.__doc__)
        one.add_argument("seed", type=int)
        if job in (sail_voyage, sail_twice):
            one.add_argument("--hours", type=float, default=None, help="simulated; default: what the seed says")
    arguments = parser.parse_args()
    if arguments.command is None:
        first_seed = arguments.first_seed if arguments.first_seed is not None else int(time.time()) * 1000
        return run(arguments.seconds, max(1, arguments.jobs), first_seed, arguments.report)
    extra = {"hours": arguments.hours} if getattr(arguments, "hours", None) is not None else {}
    print(JOBS[arguments.command](arguments.seed, **extra))
    return 0


if __name__ == "__main__":
    sys.exit(main())
