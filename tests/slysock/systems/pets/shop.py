"""Pets that run in memory, and people who talk about them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import trio

from slysock import Server
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import SystemSettings, make_foundation
from slysock.systems.pets import pets
from slysock.systems.system import SystemMaker
from slysock.testing import MemoryClient, Received, Response, serve_memory
from slysock_store import Store
from tests.slysock.systems.market import MEMORY, SECRET, at, now, settle, token_for
from tests.slysock.systems.running import Running, json_of, open_systems

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
BOUNDARY = "----a boundary of tests"


@final
@dataclass
class Person:
    """Somebody with a token, a socket, and plain HTTP."""

    id: str
    token: str
    running: Running
    socket: MemoryClient

    async def http(self, method: str, path: str, body: object = None) -> Response:
        """Make a request below `/api/chat`."""
        return await self.running.http(method, f"/api/chat{path}", token=self.token, body=body)

    async def data(self, method: str, path: str, body: object = None) -> object:
        """Make a request that works; give the `data` of its answer."""
        answer = await self.http(method, path, body)
        content = json_of(answer)
        assert answer.status in (200, 201), content
        assert at(content, "success") is True
        return at(content, "data")

    async def create(self, other: str, **fields: object) -> str:
        """Get a chat with somebody; give its id."""
        return str(at(await self.data("POST", "/create", {"participantId": other, **fields}), "_id"))

    async def send(self, chat: str, content: str = "hello", **fields: object) -> str:
        """Send a message by event; give its id."""
        stored = await self.socket.call("sendMessage", {"chatId": chat, "content": content, **fields})
        return str(at(stored, "_id"))

    async def upload(
        self, chat: str, content: bytes = PNG, *, filename: str = "cat.png", fields: Mapping[str, str] | None = None
    ) -> Response:
        """Send a file."""
        body = form(content, filename=filename, fields=fields or {})
        headers = [("content-type", f'multipart/form-data; boundary="{BOUNDARY}"')]
        return await self.raw("POST", f"/{chat}/send-media", headers, body)

    async def raw(self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Response:
        """Make a request whose body is no JSON."""
        lines = [("authorization", f"Bearer {self.token}"), *headers]
        return await self.running.memory.request(method, f"/api/chat{path}", headers=lines, body=body)

    async def begin_upload(self, chat: str, length: int, start: bytes = b"") -> trio.abc.Stream:
        """Begin an upload whose body is said to have a length; give the stream to go on with, or to break off."""
        stream = self.running.memory.open()
        await stream.send_all(upload_head(chat, self.token, length) + start)
        return stream

    async def drain(self) -> list[Received]:
        """Take what has come when everything has settled."""
        await settle()
        return self.socket.waiting()


@final
@dataclass
class Shop:
    """The running system."""

    running: Running
    media: Path

    async def visit(self, user_id: str, role: str = "user", **claims: object) -> Person:
        """Let somebody in."""
        name = claims.pop("name", user_id.capitalize())
        token = token_for(user_id, role, expires_in=3600, name=name, **claims)
        return Person(user_id, token, self.running, await self.running.memory.connect("/", auth={"token": token}))

    async def wait_files(self, count: int) -> None:
        """Wait until there are so many files, whole or not; what threads do is not seen by `settle`."""
        with trio.fail_after(10):
            while len(self.files()) != count:  # noqa: ASYNC110 - a folder tells nobody
                await trio.lowlevel.checkpoint()

    def files(self) -> list[str]:
        """Name all files in the folder, whole or not."""
        return sorted(path.name for path in self.media.rglob("*") if path.is_file())


@asynccontextmanager
async def open_shop(
    media: Path, *others: SystemMaker, url: str = MEMORY, max_media_bytes: int = 1_000_000, trust: bool = False
) -> AsyncGenerator[Shop, None]:
    """Open a shop whose files are in a folder of the test's."""
    settings = SystemSettings(media_path=media, max_media_bytes=max_media_bytes, trust_user_join=trust)
    async with open_systems(pets, *others, url=url, settings=settings) as running:
        yield Shop(running, media)


@asynccontextmanager
async def shop_on(store: Store, media: Path) -> AsyncGenerator[Shop, None]:
    """Open a shop on a store that the test may make unavailable."""
    foundation = make_foundation(store, Tokens(secret_key(SECRET), clock=now), SystemSettings(media_path=media))
    assembly = assemble([pets(foundation)], foundation)
    server = Server(*assembly.routers, app=assembly.app)
    assembly.started(server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            yield Shop(Running(memory, store, assembly), media)
        nursery.cancel_scope.cancel()


def upload_head(chat: str, token: str, length: int) -> bytes:
    """Give the head of a request that sends a file."""
    return (
        f"POST /api/chat/{chat}/send-media HTTP/1.1\r\nhost: memory\r\nauthorization: Bearer {token}\r\n"
        f'content-type: multipart/form-data; boundary="{BOUNDARY}"\r\ncontent-length: {length}\r\n\r\n'
    ).encode()


def form(content: bytes, *, filename: str, fields: Mapping[str, str]) -> bytes:
    """Make the body of an upload, the file first."""
    return b"".join([form_head(filename), content, form_tail(fields)])


def form_head(filename: str) -> bytes:
    """Give what comes before the file."""
    disposition = f'Content-Disposition: form-data; name="media"; filename="{filename}"\r\n'
    return f"--{BOUNDARY}\r\n{disposition}Content-Type: image/png\r\n\r\n".encode()


def form_tail(fields: Mapping[str, str]) -> bytes:
    """Give what comes behind it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return f"\r\n{''.join(parts)}--{BOUNDARY}--\r\n".encode()


def names(events: Sequence[Received]) -> list[str]:
    """Name events."""
    return [event.name for event in events]
