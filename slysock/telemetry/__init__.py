"""What a server does, for whoever watches it. For any program; the server knows nothing of it."""

from slysock.telemetry.access_log import AccessLog
from slysock.telemetry.counters import Counter, CounterFamily
from slysock.telemetry.error_kind import error_kind
from slysock.telemetry.histograms import Histogram, HistogramFamily
from slysock.telemetry.metrics import CONTENT_TYPE, Metrics

__all__ = [
    "CONTENT_TYPE",
    "AccessLog",
    "Counter",
    "CounterFamily",
    "Histogram",
    "HistogramFamily",
    "Metrics",
    "error_kind",
]
