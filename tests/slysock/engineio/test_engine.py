"""Engine.IO on HTTP: which requests are its own, and which of them become what."""

import pytest
from trio.testing import MockClock

from slysock import Config, Router
from slysock.testing import Closed, PollingClient
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import serving


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/chat", "/chat/"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_slash_at_the_end_of_the_path_makes_no_difference(
    autojump_clock: MockClock, path: str, slash: str
) -> None:
    async with serving(Router(), config=Config(path=path)) as memory:
        target = f"{path.rstrip('/')}{slash}?EIO=4&transport=polling"
        assert (await memory.request("GET", target)).status == 200
        assert (await memory.request("GET", f"{path.rstrip('/')}x{slash}")).status == 404


async def test_a_session_stays_with_polling_where_websocket_was_never_asked_for(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await memory.open_engine("polling")
        assert isinstance(engine, PollingClient)
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data.startswith(b"0{")
        with pytest.raises(Closed):
            await memory.open_engine("polling", query={"EIO": "3"})
