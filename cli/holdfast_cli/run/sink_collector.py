"""Asked when it is scraped. Needs prometheus-client; docs/running.md lists the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from holdfast_cli.run.outlet import Outlet

_Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
_ROWS: dict[tuple[_Family, str, str], Callable[[Outlet], float]] = {
    (CounterMetricFamily, "lines", "Lines given to the sink."): lambda one: one.put_lines,
    (CounterMetricFamily, "lost_lines", "Lines that found no room."): lambda one: one.lost,
    (GaugeMetricFamily, "queued_bytes", "Bytes that wait for the sink."): lambda one: one.queued,
    (GaugeMetricFamily, "failing", "1 if it is tried again, or gone."): lambda one: one.is_failing or one.is_gone,
}


class SinkCollector(Collector):
    """Of all sinks that there are at the moment."""

    def __init__(self, outlets: Callable[[], Sequence[Outlet]]) -> None:
        self._outlets = outlets

    def describe(self) -> Iterable[Metric]:
        return self._metrics([])

    def collect(self) -> Iterator[Metric]:
        return self._metrics(self._outlets())

    def _metrics(self, outlets: Sequence[Outlet]) -> Iterator[Metric]:
        for (family, name, text), value_of in _ROWS.items():
            metric = family(f"holdfast_sink_{name}", text, labels=("sink",))
            for outlet in outlets:
                metric.add_metric((outlet.name,), float(value_of(outlet)))
            yield metric
