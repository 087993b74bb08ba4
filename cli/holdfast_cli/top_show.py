"""What `holdfast top` shows of a status: for each feed its figures, its shards and its latest events."""

from __future__ import annotations

import math
import time
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.phrases import seconds

_BARS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_HISTORY = 24  # intervals shown: two minutes
_STYLES = {"open": "bold green", "closed": "bold red"}
_LEVELS = {"debug": "dim", "warning": "yellow", "error": "bold red"}
_MARKS = {"open": "\u25cf", "connecting": "\u25d0", "closed": "\u25a0"}
_LEAST_EVENTS = 4
_MOST_EVENTS = 20
Status = dict[str, Any]


def render(status: Status, problem: str | None, *, height: int | None) -> RenderableType:
    """All of it. `problem`: why there is no newer status. `height`: lines of the screen; None: as long as need be."""
    parts: list[RenderableType] = [_head(status)]
    if problem is not None:
        parts.append(Text(problem, style="bold red"))
    parts += [Text(f"  {reason}", style="red", no_wrap=True, overflow="ellipsis") for reason in status["reasons"][:5]]
    feeds: Status = status["feeds"]
    room = _room_for_events(status, height, len(parts))
    for name, feed in feeds.items():
        parts += [Text(""), _figures(name, feed), _shards(feed), _events(feed, room)]
    return Group(*parts)


def _head(status: Status) -> RenderableType:
    verdict = (
        Text("\u2713 all shards are healthy", style="green")
        if status["ready"]
        else Text(f"\u2717 not ready: {len(status['reasons'])}", style="bold red")
    )
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_row(Text("holdfast  ", style="bold") + verdict, Text(_clock(status["time"]), style="dim"))
    return grid


def _figures(name: str, feed: Status) -> RenderableType:
    parts = [
        f"{feed['messages']:,} messages",
        f"{_pace(feed['rate'])}/s",
        f"{feed['gaps']} gaps ({seconds(feed['gap_seconds'])})" if feed["gaps"] else "no gap",
        f"{feed['queued_messages']:,} queued",
    ]
    parts += [f"{feed[key]:,} {key}" for key in ("dropped", "stalls", "rotations") if feed[key]]
    text = Text.assemble((name, "bold"), "  ", (feed["state"], _style(feed["state"])), f"  {', '.join(parts)}")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _shards(feed: Status) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True, header_style="dim")
    for head, justify in (
        ("shard", "right"),
        ("state", "left"),
        ("last", "right"),
        ("msg/s", "right"),
        ("2 minutes", "left"),
        ("rtt", "right"),
        ("streams", "right"),
        ("lost", "right"),
        ("gaps", "right"),
    ):
        table.add_column(head, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # they are rich's words
    table.add_column("why", ratio=1, no_wrap=True, overflow="ellipsis")
    for number, shard in feed["shards"].items():
        table.add_row(
            number,
            Text(f"{_MARKS.get(shard['state'], _OTHER)} {shard['state']}", style=_style(shard["state"])),
            _age(shard["data_age"]),
            _pace(shard["rate"]),
            Text(sparkline(shard["history"][-_HISTORY:]), style="cyan"),
            "-" if shard["rtt"] is None else f"{shard['rtt'] * 1000:.0f} ms",
            str(shard["streams"]),
            str(sum(shard["losses"].values())),
            str(shard["gaps"]),
            Text(_why(shard), style="red"),
        )
    return table


def _why(shard: Status) -> str:
    """What its state does not say."""
    return "; ".join(shard["reasons"]) if shard["state"] == "open" else shard["last_failure"] or ""


def _events(feed: Status, room: int) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    events: list[Status] = feed["events"]
    for event in events[-room:]:
        shard = "" if event["shard"] is None else f"shard {event['shard']}"
        grid.add_row(_clock(event["at"]), shard, Text(event["text"], style=_LEVELS.get(event["level"], "")))
    return grid


def _room_for_events(status: Status, height: int | None, above: int) -> int:
    """Lines for each feed, so that all of them are seen."""
    feeds = status["feeds"].values()
    if height is None or not feeds:
        return _MOST_EVENTS
    taken = above + sum(3 + len(feed["shards"]) for feed in feeds)
    return max(_LEAST_EVENTS, min(_MOST_EVENTS, (height - taken) // len(feeds)))


def sparkline(rates: list[float]) -> str:
    """A bar for each; the highest is full."""
    peak = max(rates, default=0.0)
    return "".join(_BARS[math.ceil(rate / peak * (len(_BARS) - 1)) if peak else 0] for rate in rates)


_OTHER = "\u25cb"


def _style(state: str) -> str:
    return _STYLES.get(state, "bold yellow")


def _pace(rate: float) -> str:
    return f"{rate:.1f}" if rate < 10 else f"{rate:,.0f}"


def _age(age: float | None) -> str:
    if age is None:
        return "-"
    return f"{age * 1000:.0f} ms" if age < 0.1 else seconds(round(age, 1))


def _clock(unix_time: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix_time))
