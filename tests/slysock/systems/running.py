"""Systems that run in memory, on the mock clock and a store of their own."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import final

import msgspec
import trio

from slysock import Config, Server
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import Assembly, assemble
from slysock.systems.foundation import SystemSettings, make_foundation
from slysock.systems.metrics import SystemsMetrics
from slysock.systems.system import SystemMaker
from slysock.testing import Memory, Response, serve_memory
from slysock_store import Store, open_store
from tests.slysock.systems.market import MEMORY, SECRET, now, store_now, system_now


@final
@dataclass(frozen=True)
class Running:
    """What is running, and plain HTTP to it."""

    memory: Memory
    store: Store
    assembly: Assembly

    async def http(
        self,
        method: str,
        target: str,
        *,
        token: str | None = None,
        body: object = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """Make a request; `body` is sent as JSON."""
        lines = list(headers)
        if token is not None:
            lines.append(("authorization", f"Bearer {token}"))
        if body is None:
            return await self.memory.request(method, target, headers=lines)
        lines.append(("content-type", "application/json"))
        return await self.memory.request(method, target, headers=lines, body=msgspec.json.encode(body))


def json_of(response: Response) -> object:
    """Decode the body of an answer."""
    decoded: object = msgspec.json.decode(response.body)
    return decoded


def error_of(status: int, message: str, error: str) -> Mapping[str, object]:
    """Spell out the error of what has no shape of its own."""
    return {"statusCode": status, "message": message, "error": error}


@asynccontextmanager
async def open_systems(
    *makers: SystemMaker, url: str = MEMORY, config: Config | None = None, settings: SystemSettings | None = None
) -> AsyncGenerator[Running, None]:
    """Run systems for the length of the block."""
    # A file's writer is a thread, which does not know the mock clock's time.
    clock = store_now if url == MEMORY else system_now
    async with open_store(url, clock=clock) as store, trio.open_nursery() as nursery:
        config = config or Config()
        tokens = Tokens(secret_key(SECRET), clock=now, cookie_origins=config.cors_origins or ())
        metrics = SystemsMetrics()
        foundation = make_foundation(metrics.watch(store), tokens, settings)
        systems = [make(foundation) for make in makers]
        assembly = assemble(systems, foundation, cors_origins=config.cors_origins, metrics=metrics)
        server = Server(*assembly.routers, config=config, app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            yield Running(memory, store, assembly)
        nursery.cancel_scope.cancel()
