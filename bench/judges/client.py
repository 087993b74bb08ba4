"""What the judges' clients on asyncio and on trio have in common: all but the names of two functions.

The judges say how a client must look in the docstrings of `faults/runner.py` and `autobahn/run_autobahn.py`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from bench.judges.audit import FIGURES, Audit, open_descriptors
from bench.judges.dialect import JudgeDialect

from holdfast import (
    Backoff,
    Connected,
    ConnectFailed,
    Deflate,
    Disconnected,
    Event,
    Feed,
    FeedOptions,
    Gap,
    GaveUp,
    Keepalive,
    Limits,
    Retry,
    Service,
    Stale,
    Staleness,
    Stall,
    Timeouts,
)

Handle = Callable[[str | bytes], Awaitable[None]]
Emit = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Backend:
    """A transport: `now` is the clock of its events, `tasks` names those that are there."""

    open_feed: Callable[..., AbstractAsyncContextManager[Feed[Any]]]
    now: Callable[[], float]
    tasks: Callable[[], Iterable[str]]


async def follow(
    backend: Backend, url: str, streams: list[str], handle: Handle, emit: Emit, settings: dict[str, Any]
) -> None:
    """The fault judge's client: one feed until cancelled, and an account of it in the log.

    Raises GaveUp when no retry can help, and RuntimeError if something is left behind.
    """
    before = _held(backend)
    audit = Audit()
    to_monotonic = time.monotonic() - backend.now()  # trio's clock starts anywhere
    try:
        dialect = JudgeDialect(each=settings["each"], silence=settings["stale_after"])
        async with backend.open_feed(Service(dialect, url, tuple(streams)), **_options(settings)) as feed:
            async for item in feed.items():
                if not isinstance(item, Event):
                    audit.message(item.text)
                    await handle(item.text)
                elif isinstance(item, Gap):
                    since, until = item.since + to_monotonic, item.until + to_monotonic
                    audit.gap(since, until, item.stream)
                    emit("gap", item.cause, since=since, until=until, stream=item.stream)
                else:
                    _tell(item, emit)
    finally:
        audit.figures.left = sorted(_held(backend) - before)
        emit(FIGURES, **audit.figures.as_json())
        if audit.figures.left:
            raise RuntimeError(f"left behind: {'; '.join(audit.figures.left)}")


def _held(backend: Backend) -> set[str]:
    return open_descriptors() | {f"task {task}" for task in backend.tasks()}


def _tell(item: Event, emit: Emit) -> None:
    if isinstance(item, Connected):
        emit("up")
    elif isinstance(item, Disconnected | ConnectFailed):
        emit("down", item.failure)
    elif isinstance(item, Stale | Stall):
        emit("note", item)


def _options(settings: dict[str, Any]) -> FeedOptions:
    """What the judge prescribes. Backoff starts anew after `Retry.stable_after`, which no scenario lives to see."""
    return {
        "tls": ssl.create_default_context(cafile=settings["ca"]) if settings["ca"] else None,
        "keepalive": Keepalive(settings["ping_interval"], settings["ping_timeout"]),
        "staleness": Staleness(settings["stale_after"], reconnect=True),
        "backoff": Backoff(initial=settings["backoff_min"], maximum=settings["backoff_max"]),
        "timeouts": Timeouts(connect=settings["open_timeout"], close=settings["close_timeout"]),
    }


async def echo(backend: Backend, url: str, *, deflate: bool) -> None:
    """Autobahn's client: send back every message until the connection is closed, and do not dial again."""
    options: FeedOptions = {
        "keepalive": Keepalive(interval=None),
        "staleness": Staleness(after=None),
        "retry": Retry(stable_after=3600.0, max_attempts=1),
        "limits": Limits(max_message_size=64 * 1024 * 1024),
        "compression": Deflate(threshold=1) if deflate else None,
    }
    try:
        async with backend.open_feed(url, **options) as feed:
            async for message in feed:
                await feed.send(message)
    except GaveUp:
        pass
