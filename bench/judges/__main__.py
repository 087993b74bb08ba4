"""`python -m bench.judges`: independent judges, which know nothing of Holdfast, on both transports.

`faults` and `autobahn` need the folder of the judges and leave their results in the scratch folder; `record` writes
these into docs/judged.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.judges import autobahn, faults, record
from bench.judges.workshop import Broken, Workshop, is_there


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.judges", description=__doc__)
    parser.add_argument("--judges", type=Path, help="the folder of the judges")
    parser.add_argument("--scratch", type=Path, default=Path(".judges"), help="where they are copied to and run")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("faults", help="a server that misbehaves on command")
    one.add_argument("names", nargs="*", metavar="SCENARIO", help="default: all")
    one.add_argument("--jobs", type=int, default=3, help="scenarios at the same time")
    one = commands.add_parser("autobahn", help="the Autobahn test suite")
    one.add_argument("--cases", nargs="+", default=["*"])
    one.add_argument("--exclude", nargs="+", default=[])
    commands.add_parser("record", help="write the results into docs/judged.md")
    arguments = parser.parse_args()
    if arguments.command == "record":
        return record.write(arguments.scratch / "results", Path("docs/judged.md"))
    if arguments.judges is None or not is_there(arguments.judges):
        print(f"Skipped: the judges are not at {arguments.judges}; say where with JUDGES=FOLDER.")
        return 0
    workshop = Workshop(arguments.judges, arguments.scratch)
    try:
        workshop.copy()
        if arguments.command == "faults":
            held = faults.run(workshop, arguments.names, arguments.jobs)
        else:
            held = autobahn.run(workshop, arguments.cases, arguments.exclude)
    except Broken as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
