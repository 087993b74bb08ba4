"""Waiting for an event among a feed's items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import UnionType
from typing import Any

from holdfast import Item


async def anext_of(items: AsyncIterator[Item], kind: type | UnionType) -> Any:
    """The next item of that kind."""
    async for item in items:
        if isinstance(item, kind):
            return item
    raise AssertionError(f"the feed ended before {kind}")
