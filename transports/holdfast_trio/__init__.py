"""Holdfast on trio."""

from holdfast.feed import Feed
from holdfast_trio.feed import open_feed

__all__ = ["Feed", "open_feed"]
