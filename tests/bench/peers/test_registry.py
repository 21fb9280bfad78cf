import importlib.util
from pathlib import Path

import pytest

from bench.peers.javascript import Missing
from bench.peers.registry import PEERS


def test_a_python_peer_whose_packages_are_not_installed_is_missing_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvloop" else object())
    with pytest.raises(Missing, match=r"not installed: uvloop \(pip install 'slysock\[bench\]'\)"):
        PEERS["python-socketio"].command(tmp_path)


def test_every_system_keeps_its_database_in_the_folder_that_goes_with_its_process(tmp_path: Path) -> None:
    command = PEERS["slysock-marketplace"].command(tmp_path)
    assert command[-1] == f"sqlite:///{tmp_path / 'chat.db'}"


def test_whoever_can_upgrade_can_poll() -> None:
    assert all("polling" in peer.features for peer in PEERS.values() if "upgrade" in peer.features)
