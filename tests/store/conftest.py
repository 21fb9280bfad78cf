"""Stores to test: each backend is a way to open one empty place."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from slysock_store import Clock, Store, open_store
from slysock_store.mongo.layout import INDEXES
from slysock_store.testing import OpenStore

from .mongod import Mongod, NoMongod, running

database_numbers = itertools.count(1)


def opener(url: str) -> OpenStore:
    def open_place(*, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_store(url, clock=clock)

    return open_place


def empty(server: Mongod, database: str) -> None:
    """Delete all records, but not the collections."""
    with server.direct_client() as client:
        for name in INDEXES:
            client[database][name].delete_many({})


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set for all tests that do not disturb it."""
    try:
        with running(tmp_path_factory.mktemp("mongod")) as server:
            yield server
    except NoMongod as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def new_mongo_url(mongod: Mongod) -> str:
    """A database that nobody has opened."""
    return mongod.url(f"test_{next(database_numbers)}")


@pytest.fixture
def mongo_url(mongod: Mongod) -> str:
    """A database without records. Its indexes stay from test to test: to make them takes longer than most tests."""
    empty(mongod, "test")
    return mongod.url("test")


@pytest.fixture(params=["file", "memory"])
def open_sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    return opener(f"sqlite:///{tmp_path}/chat.db" if request.param == "file" else "sqlite://")


@pytest.fixture
def open_mongo(mongo_url: str) -> OpenStore:
    return opener(mongo_url)


@pytest.fixture(params=["file", pytest.param("mongodb", marks=pytest.mark.port)])
def durable_url(request: pytest.FixtureRequest) -> str:
    if request.param == "file":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/chat.db"
    return str(request.getfixturevalue("mongo_url"))
