"""Stores to test: each backend is a way to open one empty place."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from slysock_store import Clock, Store, open_store
from slysock_store.testing import OpenStore


def opener(url: str) -> OpenStore:
    def open_place(*, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_store(url, clock=clock)

    return open_place


@pytest.fixture
def open_file(tmp_path: Path) -> OpenStore:
    return opener(f"sqlite:///{tmp_path}/chat.db")


@pytest.fixture
def open_memory() -> OpenStore:
    return opener("sqlite://")


@pytest.fixture(params=["file", "memory"])
def open_any(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    ways: dict[str, Callable[[], OpenStore]] = {
        "file": lambda: opener(f"sqlite:///{tmp_path}/chat.db"),
        "memory": lambda: opener("sqlite://"),
    }
    return ways[request.param]()
