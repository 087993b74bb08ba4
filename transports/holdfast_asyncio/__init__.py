"""Holdfast on asyncio."""

from holdfast.feed import Feed
from holdfast_asyncio.feed import open_feed
from holdfast_asyncio.status import serve_status

__all__ = ["Feed", "open_feed", "serve_status"]
