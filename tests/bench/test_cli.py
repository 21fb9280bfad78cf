import io
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.cli import main
from bench.figures import summarize
from bench.report import render
from bench.results import Missing, Results
from bench.table import print_results
from tests.bench.samples import results, run

EVERYTHING = results(
    [
        run("slysock", 0, 1000),
        run("slysock", 1, 1200),
        run("slysock", 2, 1100),
        msgspec.structs.replace(run("node", 0, 900), failure="2 failures: <lost>"),
        run("slysock", 0, 10, scenario="memory", memory_bytes=500_000),
        run("slysock", 0, 5000, scenario="echo"),
    ],
    [Missing("bun", "", "Bun does not run here")],
)


def printed(of: Results) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    print_results(console, of)
    return console.export_text()


def test_a_figure_is_the_median_and_half_the_range() -> None:
    summary = summarize(EVERYTHING.runs)[0]
    assert summary.rate is not None
    assert (summary.rate.median, round(summary.rate.spread, 3)) == (1100, 0.091)


def test_a_failed_run_gives_no_figure() -> None:
    summary = next(summary for summary in summarize(EVERYTHING.runs) if summary.peer == "node")
    assert summary.rate is None
    assert summary.latency_ms(50) is None
    assert "node (1 failed)" in printed(EVERYTHING)
    assert "FAILED fanout" in printed(EVERYTHING)


def test_a_missing_peer_is_reported_with_the_reason() -> None:
    assert "Missing: bun: Bun does not run here" in printed(EVERYTHING)
    assert "missing: bun: Bun does not run here" in render(EVERYTHING)


def test_a_generator_without_a_core_of_its_own_is_reported() -> None:
    shared = msgspec.structs.replace(EVERYTHING, cores_apart=False)
    assert "shared one core" in printed(shared)
    assert "shared one core" in render(shared)


def test_results_survive_a_file(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "results.json"
    EVERYTHING.save(file)
    assert Results.load(file) == EVERYTHING


def test_another_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    msgspec.structs.replace(EVERYTHING, format=99).save(file)
    with pytest.raises(ValueError, match="format 99"):
        Results.load(file)


def test_the_page_needs_nothing_from_elsewhere_and_its_plots_are_well_formed() -> None:
    page = render(EVERYTHING)
    assert "://" not in page
    assert "<script" not in page
    plots = [part.partition("</svg>")[0] + "</svg>" for part in page.split("<svg")[1:]]
    assert plots
    for plot in plots:
        ET.fromstring("<svg" + plot)


def test_the_page_escapes_what_it_is_given() -> None:
    page = render(EVERYTHING)
    assert "a &lt;processor&gt;" in page
    assert "<lost>" not in page


def test_the_command_line_shows_compares_and_reports(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    EVERYTHING.save(file)
    runner = CliRunner()
    for words in (["show", str(file)], ["compare", str(file), str(file), "--all"], ["report", str(file)], ["list"]):
        outcome = runner.invoke(main, words)
        assert outcome.exit_code == 0, outcome.output
    assert file.with_suffix(".html").exists()


def test_the_command_line_refuses_what_holds_no_results(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("{}")
    outcome = CliRunner().invoke(main, ["show", str(file)])
    assert outcome.exit_code == 1
    assert "holds no results" in outcome.output
