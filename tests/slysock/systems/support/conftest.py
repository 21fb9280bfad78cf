"""Fixtures of the support tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

pytest.register_assert_rewrite("tests.slysock.systems.support.center")

from tests.slysock.systems.support.center import Center, open_center  # noqa: E402 - its assertions are rewritten by the line above
from tests.slysock.systems.support.office import sqlite_in  # noqa: E402 - with the others
from tests.store.mongod import Mongod, NoMongod, running  # noqa: E402 - with the others


@pytest.fixture
async def center() -> AsyncIterator[Center]:
    """A support centre in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_center() as running:
        yield running


@pytest.fixture(scope="package")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set."""
    try:
        with running(tmp_path_factory.mktemp("mongod")) as server:
            yield server
    except NoMongod as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(params=["sqlite", "mongodb"])
def durable_url(request: pytest.FixtureRequest) -> str:
    """An empty store of each kind that survives its server."""
    if request.param == "sqlite":
        return sqlite_in(request.getfixturevalue("tmp_path"))
    server: Mongod = request.getfixturevalue("mongod")
    return server.url(request.node.name.partition("[")[0][:60])
