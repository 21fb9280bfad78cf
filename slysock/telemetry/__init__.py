"""Numbers for whoever watches a server. For any program."""

from slysock.telemetry.counters import Counter, CounterFamily
from slysock.telemetry.histograms import Histogram, HistogramFamily

__all__ = ["Counter", "CounterFamily", "Histogram", "HistogramFamily"]
