import io
from collections.abc import Sequence

import msgspec
from rich.console import Console

from bench.figures import summarize
from bench.growth import growths
from bench.growth_table import print_growth
from bench.results import Run
from tests.bench.samples import costing, holding


def printed(runs: Sequence[Run]) -> str:
    console = Console(width=150, record=True, file=io.StringIO())
    print_growth(console, growths(summarize(runs)))
    return console.export_text()


def test_peers_have_a_row_each() -> None:
    text = printed([costing(rooms, 10, peer) for rooms in (100, 1000) for peer in ("slysock", "node")])
    assert text.count("1.00") == 2
    assert "join or leave, by rooms" in text


def test_a_busy_generator_is_marked() -> None:
    text = printed([costing(100, 10), costing(1000, 10, generator=0.95)])
    assert "10.00*" in text
    assert "* the generator" in text


def test_a_disturbed_run_is_marked() -> None:
    calm = msgspec.structs.replace(costing(100, 10), speeds=[100.0, 100.0])
    slow = msgspec.structs.replace(costing(1000, 10), speeds=[100.0, 50.0])
    assert "10.00~" in printed([calm, slow])


def test_memory_has_the_bytes_of_each_added_connection() -> None:
    assert "5,000" in printed([holding(1000, 10_000), holding(5000, 30_000)])


def test_one_size_alone_prints_nothing() -> None:
    assert printed([costing(100, 10)]) == ""


def test_a_point_that_the_file_limit_shrank_is_marked() -> None:
    text = printed([holding(10_000, 10_000), holding(20_000, 19_800, had=19_800)])
    assert "1.00!" in text
    assert "19 800" in text


def test_a_failed_size_says_so() -> None:
    assert "failed" in printed([costing(100, 10), msgspec.structs.replace(costing(1000, 10), failure="lost")])
