"""Namespaces with a name, and those that patterns make on demand."""

import re

import pytest
import trio
from trio.testing import MockClock

from slysock import ConnectionRefused, Router
from slysock.socketio.namespaces import Namespaces
from slysock_protocol.socketio import PARSERS
from tests.slysock.serving import serving


async def test_a_namespace_of_a_pattern_lives_as_long_as_somebody_is_in_it(autojump_clock: MockClock) -> None:
    pattern, named = Router(re.compile(r"/dyn-\d+")), Router("/dyn-7")
    pattern.on("where")(lambda socket: socket.namespace.name)
    named.on("where")(lambda socket: "the named one")
    async with serving(pattern, named) as memory:
        one, other = await memory.connect("/dyn-1"), await memory.connect("/dyn-1")
        assert await one.call("where") == "/dyn-1"
        assert await (await memory.connect("/dyn-7")).call("where") == "the named one"
        memory.server.of("/dyn-1").emit("both")
        assert await one.expect("both") == await other.expect("both") == ()
        for refused in ("/dyn-", "/dyn-1x", "/x/dyn-1"):
            with pytest.raises(ConnectionRefused):
                await memory.connect(refused)
        await one.disconnect()
        await trio.sleep(1)
        assert len(memory.server.of("/dyn-1").sockets()) == 1
        await other.connection.engine.drop()
        await trio.sleep(1)
        assert memory.server.statistics().made_namespaces == 0


def test_a_namespace_that_nobody_wrote_a_router_for_is_not_found_and_others_only_once() -> None:
    namespaces = Namespaces([Router("/named"), Router(re.compile("/made-.*"))], PARSERS["json"])
    assert namespaces.find("/nowhere") is None
    for name in ("/named", "/made-1"):
        found = namespaces.find(name)
        assert found is not None
        assert found.namespace.name == found.adapter.name == name
        assert namespaces.find(name) == found
    assert [namespace.name for namespace in namespaces.named()] == ["/named"]
