"""Stores to test: each backend is a way to open one empty place."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from slysock_store import Clock, Store, open_store
from slysock_store.testing import OpenStore

from .mongod import Mongod, NoMongod, running

database_numbers = itertools.count(1)


def opener(url: str) -> OpenStore:
    def open_place(*, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_store(url, clock=clock)

    return open_place


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set for all tests that do not disturb it."""
    try:
        with running(tmp_path_factory.mktemp("mongod")) as server:
            yield server
    except NoMongod as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def mongo_url(mongod: Mongod) -> str:
    """An empty database."""
    return mongod.url(f"test_{next(database_numbers)}")


@pytest.fixture
def open_file(tmp_path: Path) -> OpenStore:
    return opener(f"sqlite:///{tmp_path}/chat.db")


@pytest.fixture
def open_memory() -> OpenStore:
    return opener("sqlite://")


def url_of(backend: str, request: pytest.FixtureRequest) -> str:
    ways: dict[str, Callable[[], str]] = {
        "file": lambda: f"sqlite:///{request.getfixturevalue('tmp_path')}/chat.db",
        "memory": lambda: "sqlite://",
        "mongodb": lambda: str(request.getfixturevalue("mongo_url")),
    }
    return ways[backend]()


MONGODB = pytest.param("mongodb", marks=pytest.mark.port)


@pytest.fixture(params=["file", "memory", MONGODB])
def open_any(request: pytest.FixtureRequest) -> OpenStore:
    return opener(url_of(request.param, request))


@pytest.fixture(params=["file", MONGODB])
def durable_url(request: pytest.FixtureRequest) -> str:
    return url_of(request.param, request)
