"""A marketplace that runs in memory, and people who visit it.

Time is the mock clock's, also for tokens and records. Nothing waits for a thread, so "nothing else happened" is exact:
`settle` returns when every task waits for something.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import final

import trio
from trio.testing import wait_all_tasks_blocked

from slysock import Config, Server
from slysock.identity import Tokens, make_token, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import make_foundation
from slysock.systems.marketplace import marketplace
from slysock.testing import Memory, MemoryClient, MemoryConnection, Received, serve_memory
from slysock_store import Store, open_store

SECRET = "a secret of tests, which is longer than 32 bytes"
MEMORY = "sqlite://"
START = 1_750_776_362.0  # 2025-06-24T14:46:02Z


def now() -> float:
    """Give the present in seconds since 1970."""
    return START + trio.current_time()


def store_now() -> datetime:
    """Give the present as the store wants it."""
    return datetime.fromtimestamp(now(), UTC)


def system_now() -> datetime:
    """Give the machine's time."""
    return datetime.now(UTC)


def token_for(user_id: object, role: str, *, expires_in: float = 3600, **claims: object) -> str:
    """Make a token as another back-end would."""
    return make_token(SECRET, {"userId": user_id, "role": role, **claims}, now=now(), expires_in_seconds=expires_in)


def at(value: object, *path: str | int) -> object:
    """Walk into JSON: keys of objects, positions of arrays."""
    for step in path:
        if isinstance(step, str):
            assert isinstance(value, dict), f"no {step!r} in {value!r}"
            value = value[step]
        else:
            assert isinstance(value, list | tuple), f"no {step!r} in {value!r}"
            value = value[step]
    return value


def length(value: object) -> int:
    """Count the items of a JSON array."""
    assert isinstance(value, list)
    return len(value)


async def settle() -> None:
    """Wait until everything that could happen by itself has happened."""
    await wait_all_tasks_blocked()


async def nothing_for(*clients: MemoryClient) -> None:
    """Assert that no event is left that was not expected."""
    await settle()
    for client in clients:
        assert client.waiting() == []


@final
@dataclass
class Visitor:
    """Somebody with both namespaces open."""

    id: int
    role: str
    token: str
    connection: MemoryConnection
    presence: MemoryClient
    chat: MemoryClient
    chats_on_connect: object = None
    missed_on_connect: object = None

    async def send(self, recipient: "Visitor | int", text: str | None = "hello", **fields: object) -> object:
        """Send a message about product 12345 and give the acknowledgement."""
        recipient_id = recipient if isinstance(recipient, int) else recipient.id
        payload = {"productId": 12345, "recipientId": recipient_id, "text": text, **fields}
        return await self.chat.call("sendMessage", {key: value for key, value in payload.items() if value is not None})

    async def history(self, other: int, **paging: object) -> list[str]:
        """Join the chat about product 12345 and give the texts of what is loaded, in the order it came."""
        loaded = await self.chat.call("joinChat", {"productId": 12345, "recipientId": other, **paging})
        messages = at(loaded, "data", "messages")
        assert isinstance(messages, list)
        return [str(at(message, "text")) for message in messages]

    async def drain(self) -> list[Received]:
        """Take what has come in `/chat` when everything has settled."""
        await settle()
        return self.chat.waiting()


@final
@dataclass
class Market:
    """The running system."""

    memory: Memory
    store: Store
    people: list[Visitor] = field(default_factory=list)

    async def visit(self, user_id: int, role: str, *, expires_in: float = 3600, **claims: object) -> Visitor:
        """Come online and open the chat; what comes at once is taken."""
        token = token_for(user_id, role, expires_in=expires_in, **claims)
        connection = await self.memory.open_connection()
        presence = await connection.join("/presence", {"token": token})
        chat = await connection.join("/chat", {"token": token})
        visitor = Visitor(user_id, role, token, connection, presence, chat)
        (visitor.chats_on_connect,) = await chat.expect("userChats")
        (visitor.missed_on_connect,) = await chat.expect("offlineMessages")
        self.people.append(visitor)
        return visitor

    async def customer(self, user_id: int = 1, *, expires_in: float = 3600, **claims: object) -> Visitor:
        """Let a customer in."""
        return await self.visit(user_id, "CUSTOMER", expires_in=expires_in, **claims)

    async def vendor(self, user_id: int = 5, *, expires_in: float = 3600, **claims: object) -> Visitor:
        """Let a vendor in."""
        return await self.visit(user_id, "VENDOR", expires_in=expires_in, **claims)

    async def leave(self, visitor: Visitor) -> None:
        """Close both namespaces of a visitor."""
        await visitor.chat.disconnect()
        await visitor.presence.disconnect()
        await settle()


@asynccontextmanager
async def serve_market(store: Store, *, config: Config | None = None) -> AsyncGenerator[Memory, None]:
    """Serve a market on a store."""
    foundation = make_foundation(store, Tokens(secret_key(SECRET), clock=now))
    assembly = assemble([marketplace(foundation)], foundation)
    server = Server(*assembly.routers, config=config or Config(), app=assembly.app)
    assembly.started(server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            yield memory
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_market(url: str = MEMORY, *, config: Config | None = None) -> AsyncGenerator[Market, None]:
    """Open a market on a store of its own."""
    # A file's writer is a thread, which does not know the mock clock's time.
    clock = store_now if url == MEMORY else system_now
    async with open_store(url, clock=clock) as store, serve_market(store, config=config) as memory:
        yield Market(memory, store)


def failure(status: int, message: str) -> Mapping[str, object]:
    """Spell out an `appError`."""
    return {"error": True, "message": message, "statusCode": status}


def signal(message: str) -> Mapping[str, object]:
    """Spell out an envelope without contents."""
    return {"statusCode": 200, "error": False, "message": message, "data": {}}
