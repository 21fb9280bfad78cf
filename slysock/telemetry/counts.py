"""Counters for Prometheus that one thread fills, as `durations` are: no lock, no look at the labels for each."""

from collections.abc import Iterator, Sequence
from typing import final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

__all__ = ["Count", "CountsByLabels"]


@final
class Count:
    """How often one kind of thing has happened."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        """Count one."""
        self.value += 1


@final
class CountsByLabels(Collector):
    """The counters of one name. As many as there are values of the labels: keep those few."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str] = ()) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._counts: dict[tuple[str, ...], Count] = {}  # values of the labels -> theirs

    def of(self, *values: str) -> Count:
        """Give the one for these values, shown from now on; worth keeping by whoever adds often."""
        count = self._counts.get(values)
        if count is None:
            count = self._counts[values] = Count()
        return count

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Read them; see Collector."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric(values, count.value)
        yield family
