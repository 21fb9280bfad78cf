import msgspec
import pytest

from bench.cells import NOTHING, cells_of, columns_of, warnings
from bench.figures import Summary, summarize
from tests.bench.samples import EVERYTHING, results, run


def cells_by_title(summary: Summary) -> dict[str, str]:
    return dict(zip(columns_of(summary.scenario), (cell.text for cell in cells_of(summary)), strict=True))


@pytest.mark.parametrize("summary", summarize(EVERYTHING.runs), ids=lambda one: f"{one.scenario.name}, {one.peer}")
def test_every_row_has_a_cell_for_each_column(summary: Summary) -> None:
    assert len(cells_of(summary)) == len(columns_of(summary.scenario))


def test_a_single_run_has_no_spread() -> None:
    (alone,) = summarize([run("slysock", 0, 1000)])
    assert cells_by_title(alone)["±"] == NOTHING


def test_a_busy_generator_is_alarming() -> None:
    (busy,) = summarize([msgspec.structs.replace(run("slysock", 0, 1000), generator_cpu_seconds=0.95)])
    assert [cell.text for cell in cells_of(busy) if cell.alarming and cell.text] == ["95%"]


def test_disturbed_runs_are_counted_in_a_warning() -> None:
    runs = [msgspec.structs.replace(run("slysock", 0, 1000), speeds=[speed]) for speed in (100.0, 100.0, 50.0)]
    (warning,) = warnings(results(runs))
    assert warning.startswith("1 of 3 runs were disturbed")
