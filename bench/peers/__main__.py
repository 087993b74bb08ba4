"""Run it all and write the table.

    python -m bench.peers [--situation NAME ...] [--client NAME ...] [--jobs N] [--date DATE] [--write PATH]

Without --write nothing is written; each cell is printed as it is seen.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time
from pathlib import Path

from bench.peers.clients import CLIENTS
from bench.peers.page import Circumstances, cell, page
from bench.peers.runs import Run, carry_out
from bench.peers.seen import Seen
from bench.peers.situations import SITUATIONS


def main() -> None:
    arguments = parse()
    runs = [
        Run(SITUATIONS[situation], CLIENTS[client])
        for situation in arguments.situation
        for client in arguments.client
        if CLIENTS[client].is_holdfast or not SITUATIONS[situation].holdfast_only
    ]
    begun, load = time.monotonic(), os.getloadavg()[0]

    def tell(run: Run, seen: Seen) -> None:
        print(
            f"{time.monotonic() - begun:4.0f} s  {run.situation.name}, {run.client.name}: {cell(run, seen)}", flush=True
        )
        if arguments.verbose and seen.report is not None:
            print(seen.report, flush=True)

    seen = carry_out(runs, arguments.jobs, tell)
    if arguments.write is not None:
        circumstances = Circumstances(arguments.date, load, time.monotonic() - begun)
        arguments.write.write_text(page(seen, circumstances), encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--situation", nargs="+", choices=SITUATIONS, default=list(SITUATIONS), metavar="NAME")
    parser.add_argument("--client", nargs="+", choices=CLIENTS, default=list(CLIENTS), metavar="NAME")
    parser.add_argument("--jobs", type=int, default=4, help="runs at the same time")
    parser.add_argument("--date", default=dt.datetime.now(dt.UTC).date().isoformat())
    parser.add_argument("--write", type=Path, metavar="PATH")
    parser.add_argument("--verbose", action="store_true", help="whole reports, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
