import msgspec
import pytest

from bench.compare import changes, circumstances, drift, expected_by_chance
from bench.results import Results
from tests.bench.samples import results, run


def throughput(before: list[float], after: list[float]) -> str:
    found = changes(sampled("slysock", before), sampled("slysock", after))
    return next(change.verdict for change in found if change.quantity.name == "per second")


def sampled(peer: str, rates: list[float]) -> Results:
    return results([run(peer, number, rate) for number, rate in enumerate(rates)])


def test_overlapping_ranges_are_noise() -> None:
    assert throughput([100, 110, 120, 130, 140], [135, 150, 160, 170, 180]) == "noise"


def test_five_repetitions_apart_are_a_change() -> None:
    assert throughput([100, 101, 102, 103, 104], [120, 121, 122, 123, 124]) == "better"
    assert throughput([120, 121, 122, 123, 124], [100, 101, 102, 103, 104]) == "worse"


def test_three_repetitions_apart_are_likely_a_change() -> None:
    assert throughput([100, 101, 102], [120, 121, 122]) == "likely better"


def test_a_single_repetition_says_nothing() -> None:
    assert throughput([100], [200]) == "noise"


def test_a_change_too_small_to_act_on_is_noise() -> None:
    assert throughput([1000, 1001, 1002, 1003, 1004], [1005, 1006, 1007, 1008, 1009]) == "noise"


def test_more_memory_is_worse() -> None:
    before = results([run("slysock", n, 1, scenario="memory", memory_bytes=1_000_000 + n) for n in range(5)])
    after = results([run("slysock", n, 1, scenario="memory", memory_bytes=2_000_000 + n) for n in range(5)])
    (change,) = changes(before, after)
    assert (change.quantity.name, change.verdict) == ("kB per connection", "worse")


def test_the_drift_is_that_of_unchanged_peers() -> None:
    before = results([run("node", 0, 1000), run("slysock", 0, 1000)])
    after = results([run("node", 0, 900), run("slysock", 0, 2000)])
    assert drift(before, after, list(changes(before, after))) == pytest.approx(0.9)


def test_without_an_unchanged_peer_the_drift_is_unknown() -> None:
    one = results([run("slysock", 0, 1000)])
    assert drift(one, one, list(changes(one, one))) is None


def test_the_figures_that_chance_alone_would_call_changed_are_counted() -> None:
    two = [sampled("slysock", [100, 101]), sampled("slysock", [100, 101])]
    three = [sampled("slysock", [100, 101, 102]), sampled("slysock", [100, 101, 102])]
    assert expected_by_chance(changes(two[0], two[1])) == 0  # never called changed
    found = list(changes(three[0], three[1]))
    assert expected_by_chance(found) == pytest.approx(len(found) / 10)


def test_a_change_between_disturbed_runs_says_so() -> None:
    slow = msgspec.structs.replace(run("slysock", 0, 100), speeds=[100.0, 50.0])
    calm = run("slysock", 0, 100)
    assert all(change.disturbed for change in changes(results([calm]), results([slow])))
    assert not any(change.disturbed for change in changes(results([calm]), results([calm])))


def test_what_may_explain_a_change_is_told() -> None:
    before = results([msgspec.structs.replace(run("slysock", 0, 100), speeds=[100.0])])
    after = msgspec.structs.replace(before, generator="another")
    elsewhere = msgspec.structs.replace(before, machine=msgspec.structs.replace(before.machine, kernel="5"))
    assert list(circumstances(before, before)) == ["Median speed of the server's core: +0.0%"]
    assert "load generator" in next(circumstances(before, after))
    assert "different machines" in next(circumstances(before, elsewhere))


def test_what_is_in_one_file_only_is_not_compared() -> None:
    assert list(changes(results([run("node", 0, 1)]), results([run("bun", 0, 1)]))) == []
