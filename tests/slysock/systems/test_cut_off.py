"""A recipient's network dies without a word: a proxy in between forwards nothing more, and closes nothing either."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit

import pytest
import trio

from tests.clients import NodeClient, NodeClients
from tests.slysock.systems.kills import Marketplace, Services, Talk, served, texts_in

pytestmark = [pytest.mark.port, pytest.mark.node]

BEFORE: Final = [f"0/before/0/{number}" for number in range(3)]
AFTER: Final = [f"0/after/0/{number}" for number in range(30)]  # more than one page of what was missed


@final
class Proxy:
    """Forwards connections to a server until it is cut."""

    def __init__(self, target: str) -> None:
        where = urlsplit(target)
        self._host, self._port = where.hostname or "", where.port or 0
        self._cut = False

    def cut(self) -> None:
        """Forward nothing any more; what is sent is taken, as by a network that is gone."""
        self._cut = True

    async def serve(self, client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream(self._host, self._port)
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(self._forward, client, server)
            nursery.start_soon(self._forward, server, client)

    async def _forward(self, source: trio.SocketStream, target: trio.SocketStream) -> None:
        async for data in source:
            if not self._cut:
                await target.send_all(data)
        if self._cut:
            await trio.sleep_forever()
        await target.send_eof()


@asynccontextmanager
async def between(target: str) -> AsyncIterator[tuple[str, Proxy]]:
    """Run a proxy for the length of the block; yield its address."""
    proxy = Proxy(target)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), proxy.serve, 0)
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}", proxy
        nursery.cancel_scope.cancel()


async def heard_by(client: NodeClient, *wanted: str) -> list[str]:
    """Wait until a client has heard these, and return the texts of all that it has, in their order, each once."""
    heard = dict[str, None]()
    with trio.move_on_after(20):
        while not set(wanted) <= set(heard):
            await trio.sleep(0.02)
            while client.events:
                heard.update(dict.fromkeys(texts_in(client.events.popleft().args)))
    return list(heard)


@pytest.mark.parametrize("make", [Marketplace, Services])
async def test_every_message_is_there_after_a_silent_cut(
    node: NodeClients, tmp_path: Path, make: Callable[[], Talk]
) -> None:
    talk = make()
    with served(f"sqlite:///{tmp_path}/chat.db") as (url, _):
        async with between(url) as (through, proxy):
            await talk.connect(node, url, through)
            for text in BEFORE:
                await talk.send(text)
            assert await heard_by(talk.listeners[0], *BEFORE) == BEFORE
            await trio.sleep(1)  # until that has been proved, and marked
            proxy.cut()
            for text in AFTER:
                await talk.send(text)
            await talk.connect(node, url)
            again = await heard_by(talk.listeners[1], *AFTER)
            assert sorted(again) == sorted(AFTER), "all that was lost, and nothing that was not"
            await trio.sleep(1.5)
            await talk.connect(node, url)
            await trio.sleep(0.5)
            assert [text for event in talk.listeners[2].events for text in texts_in(event.args)] == []
