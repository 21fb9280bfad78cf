"""Counters as Prometheus reads them."""

from slysock.telemetry.counters import CounterFamily
from tests.slysock.telemetry.rendering import rendered


def test_a_counter_counts_by_the_values_of_its_labels() -> None:
    counters = CounterFamily("things", "what there is", ["of", "by"])
    counters.labels("a", "x").increment()
    counters.labels("a", "x").increment()
    counters.labels("a", "y").increment()
    assert rendered(counters) == {'things_total{by="x",of="a"}': 2, 'things_total{by="y",of="a"}': 1}


def test_a_counter_without_labels_is_shown_once_it_is_asked_for() -> None:
    counters = CounterFamily("things", "what there is")
    assert rendered(counters) == {}
    counters.labels()
    assert rendered(counters) == {"things_total": 0}
