"""Counters for Prometheus that one thread fills, like `histograms`: no lock, no look-up of labels for each event."""

from collections.abc import Iterator, Sequence
from typing import final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


@final
class Counter:
    """How often one kind of thing has happened."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def increment(self) -> None:
        """Count one more."""
        self.value += 1


@final
class CounterFamily(Collector):
    """The counters of one name, which differ in the values of its labels. Keep those few: every counter is kept."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str] = ()) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._counters: dict[tuple[str, ...], Counter] = {}  # values of the labels -> theirs

    def labels(self, *values: str) -> Counter:
        """Return the counter for these values, shown from now on; worth keeping by whoever counts often."""
        counter = self._counters.get(values)
        if counter is None:
            counter = self._counters[values] = Counter()
        return counter

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Read the counters; see Collector."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, counter in self._counters.items():
            family.add_metric(values, counter.value)
        yield family
