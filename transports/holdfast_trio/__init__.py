"""Holdfast on trio."""

from holdfast.feed import Feed
from holdfast_trio.feed import open_feed
from holdfast_trio.status import serve_status

__all__ = ["Feed", "open_feed", "serve_status"]
