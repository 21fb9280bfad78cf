from pathlib import Path

from click.testing import CliRunner

from bench.cli import main
from tests.bench.samples import EVERYTHING


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
