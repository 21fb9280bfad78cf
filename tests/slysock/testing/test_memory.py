"""A server that runs without listening, and the ways to reach it."""

import pytest
from trio.testing import MockClock

from slysock import Config
from slysock.testing import Closed
from tests.slysock.serving import serving
from tests.slysock.testing.echo import echoing


async def test_a_client_that_is_refused_a_connection_learns_the_status(autojump_clock: MockClock) -> None:
    async with serving(echoing(), config=Config(transports=["websocket"])) as memory:
        with pytest.raises(Closed) as caught:
            await memory.connect(transport="polling")
        assert caught.value.code == 400
        with pytest.raises(Closed):
            await memory.open_engine(path="/elsewhere/")
