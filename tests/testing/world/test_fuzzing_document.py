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
    told = {promise: sorted(re.findall(r"`(\w+)`", cells[2])) for promise, cells in PROMISES.items()}
    assert told == {n: sorted(one.name for one in CANARIES if one.expects == n) for n in range(1, 14)}


def test_every_checker_stands_with_its_promise():
    told = {(n, file) for n, cells in PROMISES.items() for file in re.findall(r"`(p\d\d_\w+)\.py`", cells[1])}
    assert told == {(one.promise, one.__module__.rpartition(".")[2]) for one in CHECKERS}


def test_every_job_stands_there():
    assert [cells[0].strip("`") for cells in ROWS if cells[0].strip("`") in JOBS] == list(JOBS)
