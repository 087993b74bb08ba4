"""`open_feed` for trio."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Unpack, overload

import trio

from holdfast.config import AnySource, FeedConfig, FeedOptions
from holdfast.dialects.dialect import Service
from holdfast.dialects.words import Update
from holdfast.errors import LocalProtocolError
from holdfast.feed import Feed
from holdfast.preflight import check_config
from holdfast.source import Source
from holdfast_shared import check_window_file
from holdfast_trio.driver import TrioDriver


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
    """One `async with`."""

    def __init__(self, config: FeedConfig) -> None:
        self._config = config
        self._opened: AbstractAsyncContextManager[Feed[Any]] | None = None

    async def __aenter__(self) -> Feed[Any]:
        if self._opened is not None:
            raise LocalProtocolError("this feed was opened already: call open_feed() again")
        self._opened = _opened(self._config)
        return await self._opened.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._opened is not None
        return await self._opened.__aexit__(kind, error, trace)


@asynccontextmanager
async def _opened(config: FeedConfig) -> AsyncGenerator[Feed[Any]]:
    error: BaseException | None = None
    async with trio.open_nursery() as nursery:
        driver = TrioDriver(config, nursery)
        feed: Feed[Any] = Feed(driver)
        driver.start()
        try:
            try:
                yield feed
            except trio.Cancelled:
                raise
            except BaseException as raised:
                if nursery.cancel_scope.cancel_called and not driver.is_broken:
                    raise
                # Taken round the nursery, which would wrap it in a group that no `except ValueError` catches.
                error = raised
                if isinstance(raised, Exception) and not driver.is_broken:
                    await feed.close(1001)
            else:
                await feed.close()
        finally:
            # Also the way out when we were cancelled: then there is no time for a closing handshake.
            driver.stop()
            nursery.cancel_scope.cancel()
    if error is not None:
        try:
            raise error
        finally:
            del error  # no cycle through the traceback
    driver.check()
