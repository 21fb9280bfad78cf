import io

import msgspec
from rich.console import Console

from bench.report import render
from bench.results import Results
from bench.table import print_results
from tests.bench.samples import EVERYTHING


def printed(of: Results) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    print_results(console, of)
    return console.export_text()


def test_a_missing_peer_is_reported_with_the_reason() -> None:
    assert "Missing: bun: Bun does not run here" in printed(EVERYTHING)
    assert "missing: bun: Bun does not run here" in render(EVERYTHING)


def test_a_generator_without_a_core_of_its_own_is_reported() -> None:
    shared = msgspec.structs.replace(EVERYTHING, cores_apart=False)
    assert "shared one core" in printed(shared)
    assert "shared one core" in render(shared)


def test_a_failed_run_is_reported_with_the_reason() -> None:
    assert "node (1 failed)" in printed(EVERYTHING)
    assert "FAILED fanout" in printed(EVERYTHING)
