"""Histograms as Prometheus reads them."""

from slysock.telemetry.histograms import HistogramFamily
from tests.slysock.telemetry.rendering import rendered


def test_a_bucket_counts_what_took_no_longer_than_its_bound() -> None:
    histograms = HistogramFamily("seconds", "what it takes", ["of"])
    for seconds in (0.0005, 0.0006, 0.3, 7.0):
        histograms.labels("a").observe(seconds)
    found = rendered(histograms)
    assert found['seconds_bucket{le="0.0005",of="a"}'] == 1
    assert found['seconds_bucket{le="0.001",of="a"}'] == 2
    assert found['seconds_bucket{le="0.25",of="a"}'] == 2
    assert found['seconds_bucket{le="0.5",of="a"}'] == 3
    assert found['seconds_bucket{le="2.5",of="a"}'] == 3
    assert found['seconds_bucket{le="+Inf",of="a"}'] == 4
    assert found['seconds_count{of="a"}'] == 4
    assert abs(found['seconds_sum{of="a"}'] - 7.3011) < 1e-9


def test_each_value_of_the_labels_has_its_own() -> None:
    histograms = HistogramFamily("seconds", "what it takes", ["of", "by"])
    histograms.labels("a", "x").observe(0.1)
    assert histograms.labels("a", "x") is histograms.labels("a", "x")
    histograms.labels("a", "y").observe(0.1)
    found = rendered(histograms)
    assert found['seconds_count{by="x",of="a"}'] == found['seconds_count{by="y",of="a"}'] == 1


def test_nothing_counted_is_nothing_shown() -> None:
    assert rendered(HistogramFamily("seconds", "what it takes", ["of"])) == {}
