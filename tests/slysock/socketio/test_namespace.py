"""A namespace, as users hold it."""

from slysock import Router, Server
from slysock.testing import serve_memory


async def test_an_empty_namespace_can_be_spoken_to() -> None:
    root = Router()
    root.on("plain")(lambda socket, number: number)
    async with serve_memory(Server(root)) as memory:
        memory.server.of("/").emit("nobody hears")
        client = await memory.connect()
        assert await client.call("plain", 3) == 3
