"""The server that tests run: always ended, and what keeps it from starting is told."""

from pathlib import Path

import pytest

from tests.store.mongod import SETTING, Mongod, NoMongod, find_mongod, running

pytestmark = pytest.mark.port


def test_a_missing_mongod_is_told_with_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tests.store.mongod.WHEEL", "no-such-distribution")
    with pytest.raises(NoMongod, match="pip install"):
        find_mongod()


def test_a_mongod_that_does_not_run_here_is_told_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "mongod"
    broken.write_text("#!/bin/sh\necho libssl.so.3: cannot open shared object file\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv(SETTING, str(broken))
    with pytest.raises(NoMongod, match=r"libssl\.so\.3: cannot open"), running(tmp_path):
        pass


def test_no_server_outlives_its_tests(tmp_path: Path) -> None:
    servers: list[Mongod] = []

    def interrupted() -> None:
        with running(tmp_path) as server:
            servers.append(server)
            server.pause()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [server.is_running for server in servers] == [False]
