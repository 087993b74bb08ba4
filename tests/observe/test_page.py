"""The page, as a browser shows it. Needs Chromium; where there is none, these tests are skipped."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

import holdfast
from helpers.combined import service
from helpers.peer import Manners
from helpers.sea import ALL, Sea
from helpers.views import View, view_of
from helpers.world import World
from holdfast import Cause, Failure, Sharding
from holdfast.observe import Observed
from holdfast.testing import Reset
from holdfast_asyncio import serve_status

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGE = Path(holdfast.__file__).parent / "observe" / "page.html"
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


class Seen(HTMLParser):
    """What a reader finds on the page. `rows`: the cells of each row of shards; `shapes`: classes of what is drawn."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.text = ""
        self.rows: list[dict[str, str]] = []
        self.shapes: list[str] = []
        self.labels: list[str] = []
        self.tags: set[str] = set()
        self._cell: str | None = None
        self._silent = False
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self._silent = tag in ("script", "style", "noscript")
        if "data-shard" in given:
            self.rows.append({"shard": given["data-shard"]})
        if "data-label" in given:
            self._cell = given["data-label"]
        if tag in ("rect", "path"):
            self.shapes.append(given["class"])
        if "aria-label" in given:
            self.labels.append(given["aria-label"])

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        if tag == "td":
            self._cell = None

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data + " "
            if self._cell is not None and self.rows:
                row = self.rows[-1]
                row[self._cell] = row.get(self._cell, "") + data


def shown(**feeds: Observed) -> Seen:
    """The page, when it has asked once or twice."""

    async def main() -> str:
        async with serve_status(feeds, port=0) as server:
            options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1500", "--dump-dom")
            browser = await asyncio.create_subprocess_exec(
                str(CHROMIUM), *options, server.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
            async with asyncio.timeout(60):
                dom, _ = await browser.communicate()
        return dom.decode()

    return Seen(asyncio.run(main()))


def seen_now(sea: Sea) -> View:
    """As if all of it had happened until now."""
    sea.fleet.set_wall_offset(time.time() - sea.world.now)
    return View(sea.fleet, sea.world)


@needs_chromium
def test_a_healthy_feed_and_one_that_gave_up() -> None:
    sea = Sea(service(*ALL[:5]))
    sea.run(100.0)
    sea.strike(Reset())
    sea.run(100.0)
    refused = World(manners=[Manners(status=401)]).start()
    refused.run(1)
    page = shown(prices=seen_now(sea), orders=view_of(refused))
    row = page.rows[0]
    assert (row["shard"], row["streams"], row["messages/s"][:2]) == ("1", "5", "5 ")
    assert row["state"].startswith("\u25cf open for 9")
    assert row["lost connections"] == "1 reset 1"
    assert "Not ready: 1 reason" in page.text
    assert "orders: gave up: HTTP 401 Unauthorized" in page.text
    assert "gap of 1." in page.text
    assert {"area", "line", "hole", "lost"} <= set(page.shapes)
    assert any(label.startswith("Rate of the last 5 minutes: 5") for label in page.labels)
    assert any(label.startswith("gaps: 1 gaps, 1.") for label in page.labels)


@needs_chromium
def test_twenty_shards_of_which_some_are_down() -> None:
    sea = Sea(service(*ALL), sharding=Sharding(max_streams_per_connection=3))
    sea.run(100.0)
    for shard in list(sea.fleet._shards._running.values())[3:6]:
        sea.fleet.disconnected(next(iter(shard.connections)), Failure(Cause.RESET), sea.world.now)
    page = shown(prices=seen_now(sea))
    assert [row["shard"] for row in page.rows] == [str(number) for number in range(1, 21)]
    states = [re.sub(r" for.*", "", row["state"]) for row in page.rows]
    assert states.count("\u25cf open") == 17
    assert states[3:6] == ["\u25cb waiting connection reset"] * 3
    assert "17 of 20 open" in page.text
    assert page.shapes.count("down") == 6  # in its row, and on its time line
    assert "prices, shard 4: waiting: connection reset" in page.text


@needs_chromium
def test_what_services_say_is_text() -> None:
    """Their words cannot become part of the page."""
    evil = "<img src=x onerror=document.title='owned'><b id=evil>"
    world = World(manners=[Manners(dial_failure=Failure(Cause.TLS, evil))]).start()
    world.run(1)
    page = shown(**{evil: view_of(world)})
    assert evil in page.text
    assert "img" not in page.tags
    assert "owned" not in page.text.replace(evil, "")


@needs_chromium
def test_who_cannot_be_asked_is_told_so() -> None:
    class Broken:
        def stats(self):
            raise RuntimeError

    assert "No answer from this process: Internal Server Error" in shown(prices=Broken()).text


def test_the_page_needs_nothing_else() -> None:
    """No script, style, font or picture from elsewhere; and it is small."""
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?!data:)", text)
    assert "innerHTML" not in text
    assert len(text) < 32_000
