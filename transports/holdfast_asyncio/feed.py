"""`open_feed` for asyncio."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Unpack, overload

from holdfast.config import AnySource, FeedConfig, FeedOptions
from holdfast.dialects.dialect import Service
from holdfast.dialects.words import Update
from holdfast.errors import LocalProtocolError
from holdfast.feed import Feed
from holdfast.preflight import check_config
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
    check_config(config, os.environ)
    check_window_file(config)
    return _Opening(config)


class _Opening(AbstractAsyncContextManager[Feed[Any]]):
    """One `async with`. No async generator: of what a thousand quiet feeds take, these would be a twentieth."""

    __slots__ = ("_config", "_driver", "_feed")

    def __init__(self, config: FeedConfig) -> None:
        self._config = config
        self._feed: Feed[Any] | None = None

    async def __aenter__(self) -> Feed[Any]:
        if self._feed is not None:
            raise LocalProtocolError("this feed was opened already: call open_feed() again")
        self._driver = AsyncioDriver(self._config)
        self._feed = Feed(self._driver)
        self._driver.start()
        return self._feed

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        assert self._feed is not None
        try:
            if error is None:
                await self._feed.close()
            elif isinstance(error, Exception) and not self._driver.is_broken:
                await self._feed.close(1001)
        finally:
            # Also the way out when we were cancelled: then there is no time for a closing handshake.
            await self._driver.stop()
        if error is None:
            self._driver.check()
