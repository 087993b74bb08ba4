"""Holdfast on asyncio and on trio. Of its events, only a Gap counts as a sign that messages may be missing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from bench.peers.consumers import Consumer
from bench.peers.messages import SUBSCRIBE, symbol_of
from bench.peers.wanted import Wanted

from holdfast import Backoff, Event, FeedOptions, Gap, Keepalive, Limits, Overflow, Stall, Timeouts
from holdfast.feed import Feed

COST = 64 + 4  # bytes of a message in the queue, beside its text: see Limits.max_queue_size
OpenFeed = Callable[..., AbstractAsyncContextManager[Feed[Any]]]


async def _run(open_feed: OpenFeed, url: str, wanted: Wanted, consumer: Consumer) -> None:
    async with open_feed(url, **_options(wanted)) as feed:
        consumer.close = feed.close
        async for item in feed.items():
            if isinstance(item, Event):
                _note(item, consumer)
            elif await consumer.take(cast(str, item)):
                return


def _note(event: Event, consumer: Consumer) -> None:
    account = consumer.account
    account.events[type(event).__name__] += 1
    if isinstance(event, Gap):
        account.dropped += event.dropped
        consumer.lost(f"Gap: {event.cause}")
    elif isinstance(event, Stall):
        account.stalls.append(event.duration)


def _options(wanted: Wanted) -> FeedOptions:
    options: FeedOptions = {"on_open": [SUBSCRIBE]}
    if wanted.ping is not None:
        options["keepalive"] = Keepalive(*wanted.ping)
    if wanted.close_timeout is not None:
        options["timeouts"] = Timeouts(close=wanted.close_timeout)
    if wanted.queue is not None:
        options["limits"] = Limits(max_queue_size=wanted.queue * (wanted.size + COST))
    if wanted.queue_bytes is not None:
        options["limits"] = Limits(max_queue_size=wanted.queue_bytes)
    if wanted.overflow is not None:
        policy = cast(Any, wanted.overflow)
        options["overflow"] = Overflow(policy, symbol_of if policy == "conflate" else None)
    if (pause := wanted.retry_pause) is not None:
        options["backoff"] = Backoff(initial=pause, factor=1, maximum=pause, jitter=0)
    return options


async def run_asyncio(url: str, wanted: Wanted, consumer: Consumer) -> None:
    from holdfast_asyncio import open_feed

    await _run(open_feed, url, wanted, consumer)


async def run_trio(url: str, wanted: Wanted, consumer: Consumer) -> None:
    from holdfast_trio import open_feed

    await _run(open_feed, url, wanted, consumer)
