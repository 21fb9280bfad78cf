from collections.abc import Sequence

import msgspec

from bench.figures import summarize
from bench.growth import Growth, growths
from bench.results import Run
from tests.bench.samples import costing, holding, run


def grown(runs: Sequence[Run]) -> list[Growth]:
    return list(growths(summarize(runs)))


def test_the_ratio_is_that_of_the_largest_to_the_smallest_size_in_any_order() -> None:
    (growth,) = grown([costing(10_000, 12), costing(100, 10), costing(1000, 50)])
    assert [size.x for size in growth.sizes] == [100, 1000, 10_000]
    assert growth.ratio == 1.2


def test_memory_is_told_by_what_each_added_connection_takes() -> None:
    (growth,) = grown([holding(1000, 10_000), holding(5000, 30_000), holding(10_000, 80_000)])
    assert growth.slopes == [5000, 10_000]


def test_one_size_tells_nothing_of_growth() -> None:
    assert grown([costing(100, 10)]) == []


def test_points_that_are_not_meant_for_it_are_left_out() -> None:
    assert grown([run("slysock", 0, 10, scenario="echo"), run("slysock", 0, 10, scenario="fanout")]) == []


def test_a_point_that_the_file_limit_shrank_stands_where_it_was() -> None:
    runs = [holding(10_000, 10_000), holding(20_000, 19_800, had=19_800)]
    assert grown(runs)[0].slopes == [1000]


def test_a_failed_size_leaves_the_ratio_unknown() -> None:
    failed = msgspec.structs.replace(costing(1000, 10), failure="lost")
    (growth,) = grown([costing(100, 10), failed])
    assert growth.ratio is None
