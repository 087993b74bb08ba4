"""docs/observing.md names what there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from helpers.combined import service
from helpers.sea import ALL, Sea
from helpers.views import View
from holdfast import FeedStats, ShardStats, StreamStats
from holdfast.observe import VERSION, Site, collector, status
from holdfast.testing import Reset

DOCUMENT = (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in DOCUMENT.splitlines() if line.startswith("| `")
]
SEA = Sea(service(*ALL[:2]))
FEEDS = {"a": View(SEA.fleet, SEA.world)}


def test_every_path_and_no_other() -> None:
    assert sorted(cells[0].strip("`") for cells in ROWS if cells[0].startswith("`/")) == Site({}, "").paths


def test_every_metric_with_its_kind_and_no_other() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in ROWS if cells[0].startswith("`holdfast_")}
    families = collector(FEEDS, streams=True).describe()
    names = {family.name + ("_total" if family.type == "counter" else ""): family.type for family in families}
    assert told == names


def test_every_field_of_the_statistics_and_no_other() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in ROWS if len(cells) == 3 and set(cells[1]) <= set("F S")}
    feed, shard = ({one.name for one in fields(kind)} for kind in (FeedStats, ShardStats))
    assert {name for name, places in told.items() if "F" in places} == feed
    assert {name for name, places in told.items() if "S" in places} == shard
    for one in fields(StreamStats):
        assert re.search(rf"`StreamStats` has .*`{one.name}`", DOCUMENT, re.DOTALL), one.name


def test_what_status_has_beside_them() -> None:
    feed = status(FEEDS, streams=True)["feeds"]["a"]
    told = {cells[0].strip("`") for cells in ROWS}
    assert set(feed) <= told
    SEA.run(10.0)
    SEA.strike(Reset())
    SEA.run(10.0)
    for name in ("events", "recent_gaps"):
        (cells,) = [cells for cells in ROWS if cells[0] == f"`{name}`"]
        entries = status(FEEDS)["feeds"]["a"][name]
        assert entries
        for one in entries:
            assert all(f"`{key}`" in cells[1] for key in one)
    assert f"`version` is {VERSION} " in DOCUMENT
