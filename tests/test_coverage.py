"""Which test file is whose, and that running one shows what it covers."""

from pathlib import Path

import pytest

from tests.coverage import ROOT, chosen, has_logic, main, own_test


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("slysock/server.py", "tests/slysock/test_server.py"),
        ("slysock/http/connection.py", "tests/slysock/http/test_connection.py"),
        ("slysock/cli/__init__.py", "tests/slysock/cli/test_init.py"),
        ("slysock/__init__.py", "tests/slysock/test_init.py"),
        ("protocol/slysock_protocol/engineio/packets.py", "tests/protocol/engineio/test_packets.py"),
        ("store/slysock_store/sqlite/chats.py", "tests/store/sqlite/test_chats.py"),
        ("bench/peers/mongod.py", "tests/bench/peers/test_mongod.py"),
    ],
)
def test_each_module_has_one_place_for_its_test(module: str, test: str) -> None:
    assert own_test(ROOT / module) == ROOT / test


def test_what_only_names_things_needs_no_test(tmp_path: Path) -> None:
    module = tmp_path / "names.py"
    module.write_text("from math import pi\n\n\nclass Record:\n    radius: float = pi\n")
    assert not has_logic(module)
    module.write_text("class Record:\n    @property\n    def area(self) -> int:\n        return 1\n")
    assert has_logic(module)


def test_a_path_chooses_what_is_in_it_by_module_or_by_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = ROOT / "slysock" / "http" / "cors.py"
    assert chosen(["slysock/http/cors.py"]) == chosen(["tests/slysock/http/test_cors.py"]) == [module]
    assert module in chosen(["slysock/http"])
    assert set(chosen(["slysock/http"])) < set(chosen([]))


def test_a_path_to_nowhere_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slysock/nowhere.py"]) == 2
    assert "slysock/nowhere.py" in capsys.readouterr().err


@pytest.mark.port
def test_running_it_says_what_is_covered_and_what_has_no_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["slysock/extras.py", "tests/coverage.py"]) == 0
    assert "1 file skipped due to complete coverage" in capsys.readouterr().out
