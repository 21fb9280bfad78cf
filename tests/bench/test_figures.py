import msgspec

from bench.figures import summarize
from bench.results import Run
from tests.bench.samples import EVERYTHING, run


def with_speeds(*speeds: float, repetition: int = 0) -> Run:
    return msgspec.structs.replace(run("slysock", repetition, 1000), speeds=list(speeds))


def test_a_figure_is_the_median_and_half_the_range() -> None:
    summary = summarize(EVERYTHING.runs)[0]
    assert summary.rate is not None
    assert (summary.rate.median, round(summary.rate.spread, 3)) == (1100, 0.091)


def test_a_failed_run_gives_no_figure() -> None:
    summary = next(summary for summary in summarize(EVERYTHING.runs) if summary.peer == "node")
    assert summary.rate is None
    assert summary.latency_ms(50) is None


def test_a_summary_counts_its_disturbed_runs_and_names_the_worst() -> None:
    calm = [with_speeds(100, 100, repetition=number) for number in range(3)]
    (summary,) = summarize([*calm, with_speeds(80, 100), with_speeds(100, 50)])
    assert summary.disturbance == "2/5: speed -50%"


def test_what_cannot_change_memory_does_not_mark_it() -> None:
    slow = run("slysock", 0, 1, scenario="memory", memory_bytes=1000)
    (summary,) = summarize([msgspec.structs.replace(slow, speeds=[100.0, 10.0])])
    assert summary.disturbance == ""
