"""Where the command line's tests run."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run where nothing is, with nothing set."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLYSOCK_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture(autouse=True)
def hangups() -> Iterator[None]:
    """Give back the signal that `serve` takes for itself."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)
