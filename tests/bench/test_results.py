from pathlib import Path

import msgspec
import pytest

from bench.results import Results
from tests.bench.samples import EVERYTHING


def test_results_survive_a_file(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "results.json"
    EVERYTHING.save(file)
    assert Results.load(file) == EVERYTHING


def test_another_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    msgspec.structs.replace(EVERYTHING, format=99).save(file)
    with pytest.raises(ValueError, match="format 99"):
        Results.load(file)
