"""Gauges are read when they are shown, and one that is not known is left out."""

from prometheus_client import CollectorRegistry, generate_latest

from slysock.telemetry import Gauge
from tests.slysock.telemetry.rendering import values_in


def test_a_gauge_is_what_it_is_now_and_missing_when_it_is_not_known() -> None:
    known: list[float | None] = [7, None, 0]
    registry = CollectorRegistry()
    registry.register(Gauge("free_bytes", "Free", lambda: known.pop(0)))
    assert [values_in(generate_latest(registry)) for _ in range(3)] == [{"free_bytes": 7}, {}, {"free_bytes": 0}]
