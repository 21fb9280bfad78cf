"""Gauges for Prometheus that are read when the metrics are."""

from collections.abc import Callable, Iterator
from typing import final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


@final
class Gauge(Collector):
    """A number that goes up and down.

    Args:
        name, documentation: as Prometheus shows them.
        read: returns the number; None for one that is not known, which is not shown. It must not block.
    """

    def __init__(self, name: str, documentation: str, read: Callable[[], float | None]) -> None:
        self._name = name
        self._documentation = documentation
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the number; see Collector."""
        value = self._read()
        if value is not None:
            yield GaugeMetricFamily(self._name, self._documentation, value=value)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the gauge without reading it; see Collector."""
        yield GaugeMetricFamily(self._name, "")
