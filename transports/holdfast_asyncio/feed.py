"""`open_feed` for asyncio."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Unpack, overload

from holdfast.config import AnySource, FeedConfig, FeedOptions
from holdfast.dialects.dialect import Service
from holdfast.dialects.words import Update
from holdfast.driver import check_proxies
from holdfast.feed import Feed
from holdfast.source import Source
from holdfast_asyncio.driver import AsyncioDriver
from holdfast_shared import check_window_file


@overload
def open_feed(source: Service, **options: Unpack[FeedOptions]) -> AbstractAsyncContextManager[Feed[Update]]: ...
@overload
def open_feed(
    source: Source | Sequence[Source], **options: Unpack[FeedOptions]
) -> AbstractAsyncContextManager[Feed[str | bytes]]: ...
def open_feed(source: AnySource, **options: Unpack[FeedOptions]) -> AbstractAsyncContextManager[Feed[Any]]:
    """A context manager that opens a feed and gives it: then `async for message in feed`.

    `source` is a ws:// or wss:// URL, an Endpoint, or an async function that gives one of these afresh for every dial;
    or a list of these, the preferred one first; or a Service, such as `binance.spot("btcusdt@trade")`, whose messages
    are then Updates. The options are the settings of `FeedConfig`, by name. Raises
    ConfigError, which names the setting, before anything is dialled. Entering does not wait for a connection: that
    comes, and comes back, by itself. Leaving ends the feed with the closing handshake, within `Timeouts.close`; at
    once when the block was cancelled. Nothing stays behind either way.
    """
    config = FeedConfig.build(source, options)
    check_proxies(config.targets, os.environ)
    check_window_file(config)
    return _opened(config)


@asynccontextmanager
async def _opened(config: FeedConfig) -> AsyncGenerator[Feed[Any]]:
    driver = AsyncioDriver(config)
    feed: Feed[Any] = Feed(driver)
    driver.start()
    try:
        try:
            yield feed
        except Exception:
            await feed.close(1001)
            raise
        else:
            await feed.close()
    finally:
        # Also the way out when we were cancelled: then there is no time for a closing handshake.
        await driver.stop()
