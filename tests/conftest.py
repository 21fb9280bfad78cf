"""What every test may ask for."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from tests.clients import NodeClients, node_clients

# Property tests have the same examples in every run, no database of past failures, and no clock.
settings.register_profile("deterministic", deadline=None, derandomize=True, database=None)
settings.load_profile("deterministic")

pytest.register_assert_rewrite("tests.slysock.systems.market")  # before anybody imports it


@pytest.fixture
async def node() -> AsyncIterator[NodeClients]:
    """A Node process for stock socket.io clients; on the real clock, and so only for tests marked `node`."""
    async with node_clients() as clients:
        yield clients
