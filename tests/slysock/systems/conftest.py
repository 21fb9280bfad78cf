"""Fixtures of the systems' tests."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.slysock.systems.market import Market, open_market
from tests.store.mongod import Mongod, NoMongod, running

database_numbers = count(1)


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A marketplace in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_market() as opened:
        yield opened


@pytest.fixture(scope="package")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set."""
    try:
        with running(tmp_path_factory.mktemp("mongod")) as server:
            yield server
    except NoMongod as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(params=["sqlite", "mongodb"])
def durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store that survives the process."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    server: Mongod = request.getfixturevalue("mongod")
    return server.url(f"systems_{next(database_numbers)}")
