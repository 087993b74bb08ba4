"""Run it all and write the page.

    python -m bench.speed [--situation NAME ...] [--client NAME ...] [--rounds N] [--date DATE] [--write PATH]

Without --write nothing is written; each run is printed as it is seen, and a table of each situation at the end.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import time
from pathlib import Path

from bench.speed.clients import CLIENTS
from bench.speed.page import PICTURE, Circumstances, draw, page, table
from bench.speed.runs import carry_out
from bench.speed.situations import SITUATIONS

FILES = 4096  # that a process has open, of so many connections


def main() -> None:
    arguments = parse()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    begun, load = time.monotonic(), os.getloadavg()[0]

    def tell(text: str) -> None:
        print(f"{time.monotonic() - begun:4.0f} s  {text}", flush=True)

    situations = [SITUATIONS[name] for name in arguments.situation]
    seen = carry_out(situations, [CLIENTS[name] for name in arguments.client], arguments.rounds, tell)
    for situation in situations:
        if any(name == situation.name for name, _ in seen):
            print(f"\n{situation.title}\n{table(situation, seen)}")
    if arguments.write is not None:
        circumstances = Circumstances(arguments.date, arguments.rounds, load, time.monotonic() - begun)
        picture = draw(seen, arguments.write.parent / PICTURE)
        arguments.write.write_text(page(seen, circumstances, picture=picture), encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--situation", nargs="+", choices=SITUATIONS, default=list(SITUATIONS), metavar="NAME")
    parser.add_argument("--client", nargs="+", choices=CLIENTS, default=list(CLIENTS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--date", default=dt.datetime.now(dt.UTC).date().isoformat())
    parser.add_argument("--write", type=Path, metavar="PATH")
    return parser.parse_args()


if __name__ == "__main__":
    main()
