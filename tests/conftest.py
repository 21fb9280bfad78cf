"""What every test may ask for."""

from collections.abc import AsyncIterator

import pytest

from tests.clients import NodeClients, node_clients

pytest.register_assert_rewrite("tests.slysock.systems.market")  # before anybody imports it


@pytest.fixture
async def node() -> AsyncIterator[NodeClients]:
    """A Node process for stock socket.io clients; on the real clock, and so only for tests marked `node`."""
    async with node_clients() as clients:
        yield clients
