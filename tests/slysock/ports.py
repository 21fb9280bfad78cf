"""A server on a real port."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import trio

from slysock import Listening, Server


@asynccontextmanager
async def listening(server: Server, **options: object) -> AsyncGenerator[Listening]:
    async with trio.open_nursery() as nursery:
        serve = partial(server.serve, "127.0.0.1", 0, **options)  # type: ignore[arg-type]  # unix_path
        yield await nursery.start(serve)
        server.stop()


async def talk(stream: trio.SocketStream, request: bytes) -> bytes:
    await stream.send_all(request)
    return bytes(await stream.receive_some(65536))
