"""Sinks as Prometheus metrics, beside those of feeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from holdfast_cli.run.outlet import Outlet

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


def sink_collectors(outlets: Callable[[], Sequence[Outlet]]) -> list[Collector]:
    """For `serve_status`; none without prometheus-client, which it can do without."""
    try:
        from holdfast_cli.run.sink_collector import SinkCollector
    except ModuleNotFoundError:
        return []
    return [SinkCollector(outlets)]
