"""Fixtures of these tests."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.slysock.systems.pets.shop")

from tests.slysock.systems.pets.shop import Shop, open_shop  # noqa: E402 - its assertions are rewritten by the line above
from tests.store.mongod import Mongod, NoMongod, running  # noqa: E402 - with the other

database_numbers = count(1)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """Pets in memory, files in a folder of the test's."""
    async with open_shop(tmp_path / "media") as opened:
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
    return server.url(f"pets_{next(database_numbers)}")
