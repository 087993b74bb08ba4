"""Holdfast on trio, before both judges."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `bench` is

from bench.judges.client import Backend, Emit, Handle, follow
from bench.judges.client import echo as echo_on

from holdfast_trio import open_feed

NAME = "holdfast-trio"
AGENT = NAME
BACKEND = "trio"
DEFLATE = True


def _tasks() -> Iterator[str]:
    root = trio.lowlevel.current_root_task()
    waiting = [root] if root is not None else []
    while waiting:
        task = waiting.pop()
        yield f"{task.name} {id(task):x}"
        for nursery in task.child_nurseries:
            waiting += nursery.child_tasks


_BACKEND = Backend(open_feed, trio.current_time, _tasks)


async def run(url: str, streams: list[str], handle: Handle, emit: Emit, cfg: dict[str, Any]) -> None:
    await follow(_BACKEND, url, streams, handle, emit, cfg)


async def echo(url: str, deflate: bool) -> None:
    await echo_on(_BACKEND, url, deflate=deflate)
