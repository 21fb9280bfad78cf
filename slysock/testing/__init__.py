"""Test a server without a network: clients that speak the real protocol over memory streams.

    from slysock import Server
    from slysock.testing import serve_memory

    async def test_echo(autojump_clock):
        async with serve_memory(Server(root)) as memory:
            client = await memory.connect("/chat", auth={"token": "…"})
            await client.emit("hello")
            assert await client.expect("welcome") == ("you",)
            assert await client.call("echo", 1) == 1

Everything between the socket and the handler is the real thing: HTTP, WebSocket, Engine.IO, Socket.IO. Under Trio's
MockClock heartbeats and timeouts take no time. A client can misbehave: `stall` stops reading, `slow_down` reads little
by little, `vanish` is gone without a word, and `memory.open` returns a bare stream for bytes of your own.
"""

from slysock.testing.client import MemoryClient, MemoryConnection, Received
from slysock.testing.engine import Closed, EngineClient, PollingClient, WebSocketClient
from slysock.testing.http_request import Response
from slysock.testing.memory import Memory, serve_memory

__all__ = [
    "Closed",
    "EngineClient",
    "Memory",
    "MemoryClient",
    "MemoryConnection",
    "PollingClient",
    "Received",
    "Response",
    "WebSocketClient",
    "serve_memory",
]
