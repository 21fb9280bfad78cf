"""A support centre on a port of 127.0.0.1, and plain HTTP to it, as the document's front-end uses it."""

import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import msgspec
import trio

from slysock import Listening, Server
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import make_foundation
from slysock.systems.support import support
from slysock_store import open_store
from tests.clients import Payload
from tests.slysock.systems.market import SECRET, now, token_for

TIMEOUT_SECONDS = 15


@final
@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: Payload


@final
@dataclass(frozen=True)
class Office:
    """Where it is."""

    url: str

    async def http(self, method: str, path: str, token: str, body: Payload = None) -> Answer:
        """Make a request with the token in its header."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method, headers=headers)
        return await trio.to_thread.run_sync(partial(_open, request))

    async def ask(self, method: str, path: str, token: str, body: Payload = None) -> Payload:
        """Make a request under `/support` that goes well."""
        answer = await self.http(method, f"/support{path}", token, body)
        assert answer.status in {200, 201}, answer.body
        return answer.body

    async def tell(self, path: str, body: Payload) -> None:
        """Tell of something as the back-end does."""
        answer = await self.http("PUT", f"/manage/support/{path}", token_for("backend", "service"), body)
        assert answer.status == 200, answer.body


def _open(request: urllib.request.Request) -> Answer:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return Answer(response.status, msgspec.json.decode(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, msgspec.json.decode(error.read()))


def sqlite_in(folder: Path) -> str:
    """Name a database in a folder."""
    return f"sqlite:///{folder}/chat.db"


@asynccontextmanager
async def open_office(url: str) -> AsyncGenerator[Office, None]:
    """Serve on a port, with the store that a URL names."""
    async with open_store(url) as store, trio.open_nursery() as nursery:
        foundation = make_foundation(store, Tokens(secret_key(SECRET), clock=now))
        assembly = assemble([support(foundation)], foundation)
        server = Server(*assembly.routers, app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        listening: Listening = await nursery.start(partial(server.serve, "127.0.0.1", 0))
        yield Office(listening.url)
        nursery.cancel_scope.cancel()
