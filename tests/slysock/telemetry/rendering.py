"""What Prometheus would read."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector


def rendered(collector: Collector) -> dict[str, float]:
    """Render one collector: name with labels -> value."""
    registry = CollectorRegistry()
    registry.register(collector)
    return values_in(generate_latest(registry))


def values_in(text: bytes) -> dict[str, float]:
    """Read Prometheus' text format: name with labels -> value."""
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
