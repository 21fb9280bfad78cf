import importlib.util
import platform

import pytest

from bench.peers.javascript import JAVASCRIPT, Missing, bun_program, node_program


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    for remembered in (node_program, bun_program):
        remembered.cache_clear()


def test_no_lock_file_names_a_registry() -> None:
    assert '"resolved"' not in (JAVASCRIPT / "package-lock.json").read_text()


def test_without_node_its_peer_is_missing_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Missing, match="no Node on PATH"):
        node_program()


def test_bun_is_for_one_platform_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(Missing, match="riscv64"):
        bun_program()
