"""What feeds tell of themselves, for people, platforms and monitoring: pure functions of what `Feed.stats()` says.

`serve_status` of `holdfast_asyncio` and `holdfast_trio` puts it on a port.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from holdfast.errors import ConfigError
from holdfast.observe.answers import Site, StatusServer
from holdfast.observe.observed import Observed
from holdfast.observe.readiness import reasons_of, unready
from holdfast.observe.status import VERSION, status
from holdfast.observe.summary import Line, Summary

if TYPE_CHECKING:
    from holdfast.observe.metrics import FeedCollector

__all__ = [
    "VERSION",
    "Line",
    "Observed",
    "Site",
    "StatusServer",
    "Summary",
    "collector",
    "reasons_of",
    "status",
    "unready",
]


def collector(feeds: Mapping[str, Observed], *, streams: bool = False) -> FeedCollector:
    """For a registry of your own: `REGISTRY.register(collector({"prices": feed}))` of prometheus-client.

    It asks the feeds when it is scraped, and must be so in the thread of their loop. `streams`: a series for each
    stream, too; these may be many. Raises ConfigError without prometheus-client.
    """
    try:
        from holdfast.observe.metrics import FeedCollector
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        raise ConfigError("metrics need prometheus-client: pip install 'holdfast[metrics]'") from None
    return FeedCollector(feeds, streams=streams)
