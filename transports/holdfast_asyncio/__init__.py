"""Holdfast on asyncio."""

from holdfast.feed import Feed
from holdfast_asyncio.feed import open_feed

__all__ = ["Feed", "open_feed"]
