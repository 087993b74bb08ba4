"""Holdfast on trio."""

from typing import TYPE_CHECKING

from holdfast.feed import Feed
from holdfast_trio.feed import open_feed

if TYPE_CHECKING:
    from holdfast_trio.status import serve_status
else:

    def __getattr__(name: str) -> object:
        """What few need is imported when it is asked for."""
        if name == "serve_status":
            from holdfast_trio.status import serve_status

            return serve_status
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Feed", "open_feed", "serve_status"]
