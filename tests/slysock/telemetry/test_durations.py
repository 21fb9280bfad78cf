"""Histograms and counters as Prometheus reads them."""

from prometheus_client import CollectorRegistry, generate_latest

from slysock.telemetry.counts import CountsByLabels
from slysock.telemetry.durations import DurationsByLabels


def _rendered(collector: DurationsByLabels | CountsByLabels) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(collector)
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_bucket_counts_what_took_no_longer_than_its_bound() -> None:
    durations = DurationsByLabels("seconds", "what it takes", ["of"])
    for seconds in (0.0005, 0.0006, 0.3, 7.0):
        durations.of("a").add(seconds)
    found = _rendered(durations)
    assert found['seconds_bucket{le="0.0005",of="a"}'] == 1
    assert found['seconds_bucket{le="0.001",of="a"}'] == 2
    assert found['seconds_bucket{le="0.25",of="a"}'] == 2
    assert found['seconds_bucket{le="0.5",of="a"}'] == 3
    assert found['seconds_bucket{le="2.5",of="a"}'] == 3
    assert found['seconds_bucket{le="+Inf",of="a"}'] == 4
    assert found['seconds_count{of="a"}'] == 4
    assert abs(found['seconds_sum{of="a"}'] - 7.3011) < 1e-9


def test_each_value_of_the_labels_has_its_own() -> None:
    durations = DurationsByLabels("seconds", "what it takes", ["of", "by"])
    durations.of("a", "x").add(0.1)
    assert durations.of("a", "x") is durations.of("a", "x")
    durations.of("a", "y").add(0.1)
    found = _rendered(durations)
    assert found['seconds_count{by="x",of="a"}'] == found['seconds_count{by="y",of="a"}'] == 1


def test_nothing_counted_is_nothing_shown() -> None:
    assert _rendered(DurationsByLabels("seconds", "what it takes", ["of"])) == {}


def test_a_counter_counts_by_the_values_of_its_labels() -> None:
    counts = CountsByLabels("things", "what there is", ["of", "by"])
    counts.of("a", "x").add()
    counts.of("a", "x").add()
    counts.of("a", "y").add()
    assert _rendered(counts) == {'things_total{by="x",of="a"}': 2, 'things_total{by="y",of="a"}': 1}


def test_a_counter_without_labels_is_shown_once_it_is_asked_for() -> None:
    counts = CountsByLabels("things", "what there is")
    assert _rendered(counts) == {}
    counts.of()
    assert _rendered(counts) == {"things_total": 0}
