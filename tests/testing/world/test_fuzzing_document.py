"""The tables of docs/fuzzing.md are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from fuzz.canaries import CANARIES
from fuzz.checkers import CHECKERS
from fuzz.jobs import JOBS

ROOT = Path(__file__).parents[3]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "fuzzing.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
]
PROMISES = {int(cells[0].split(".")[0]): cells for cells in ROWS if cells[0][0].isdigit()}


def test_every_canary_stands_with_its_promise():
    told = {promise: re.findall(r"`(\w+)`", cells[2]) for promise, cells in PROMISES.items()}
    assert told == {promise: [one.name for one in CANARIES if one.expects == promise] for promise in range(1, 14)}


def test_every_checker_stands_with_its_promise():
    told = {promise: cells[1].strip("`") for promise, cells in PROMISES.items() if cells[1].startswith("`p")}
    assert told == {one.promise: f"{one.__module__.rpartition('.')[2]}.py" for one in CHECKERS}


def test_every_job_stands_there():
    assert [cells[0].strip("`") for cells in ROWS if cells[0].strip("`") in JOBS] == list(JOBS)
