from bench.figures import summarize
from bench.report.plots import plots_of
from bench.scenarios import SCENARIOS
from tests.bench.samples import holding, run, run_at

FEWEST, MORE = SCENARIOS["fanout"].points[:2]


def test_a_range_of_points_has_plots_of_growth_and_each_point_one_of_latency() -> None:
    runs = [run_at(point, "slysock", 1000, scenario="fanout") for point in (FEWEST, MORE)]
    captions = [caption for caption, _ in plots_of(summarize(runs))]
    group = FEWEST.group
    assert captions[:3] == [f"{what} ({group})" for what in ("Throughput", "99th percentile", "Server CPU")]
    assert captions[3:] == [f"Latency by percentile: {point.label}" for point in (FEWEST, MORE)]


def test_one_point_alone_has_no_growth() -> None:
    captions = [caption for caption, _ in plots_of(summarize([run("slysock", 0, 1000)]))]
    assert captions == [f"Latency by percentile: {FEWEST.label}"]


def test_memory_has_a_plot_of_its_own() -> None:
    ((caption, drawn),) = plots_of(summarize([holding(1000, 10_000), holding(5000, 30_000)]))
    assert caption == "Memory by connections"
    assert "slysock" in drawn
