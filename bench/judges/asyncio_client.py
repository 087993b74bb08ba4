"""Holdfast on asyncio, before both judges."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `bench` is

from bench.judges.client import Backend, Emit, Handle, follow
from bench.judges.client import echo as echo_on

from holdfast_asyncio import open_feed

NAME = "holdfast-asyncio"
AGENT = NAME
BACKEND = "asyncio"
DEFLATE = True


def _tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


def _backend() -> Backend:
    return Backend(open_feed, asyncio.get_running_loop().time, _tasks)


async def run(url: str, streams: list[str], handle: Handle, emit: Emit, cfg: dict[str, Any]) -> None:
    await follow(_backend(), url, streams, handle, emit, cfg)


async def echo(url: str, deflate: bool) -> None:
    await echo_on(_backend(), url, deflate=deflate)
