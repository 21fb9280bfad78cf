"""Fixtures of the tests of services."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.slysock.systems.services.office", "tests.slysock.systems.services.replay")

from tests.slysock.systems.services.office import Office, open_office  # noqa: E402 - its assertions are rewritten by then
from tests.store.mongod import Mongod, NoMongod, running  # noqa: E402 - with the others

database_numbers = count(1)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """The system in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_office() as opened:
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
    return server.url(f"services_{next(database_numbers)}")
