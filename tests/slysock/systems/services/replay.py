"""Stock clients of two kinds as one, a server on a real port for them, and how payloads are compared with examples."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeAlias, final

import trio

from slysock import Server
from slysock.identity import Tokens, make_token, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import make_foundation
from slysock.systems.services import Services, system_of
from slysock_store import open_store
from tests.clients import NodeClient, NodeClients, Payload, PythonClient, python_client
from tests.slysock.systems.market import SECRET
from tests.slysock.systems.services.office import ROLES


class Client(Protocol):
    """What the replay needs of a client, connected to the root namespace."""

    async def emit(self, event: str, *args: Payload) -> None:
        """Send an event."""
        ...

    async def ask(self, event: str, *args: Payload) -> Payload:
        """Send an event and give its acknowledgement."""
        ...

    async def hear(self, event: str) -> Sequence[Payload]:
        """Wait for an event and give its arguments."""
        ...

    async def leave(self) -> None:
        """Disconnect."""
        ...

    def names_waiting(self) -> list[str]:
        """Name the events that nobody has waited for."""
        ...


Connect: TypeAlias = Callable[[str], AbstractAsyncContextManager[Client]]
"""Given a user, connects them for the length of the block."""


@final
class OnNode:
    """socket.io-client."""

    def __init__(self, client: NodeClient) -> None:
        self._client = client

    async def emit(self, event: str, *args: Payload) -> None:
        await self._client.emit(event, *args)

    async def ask(self, event: str, *args: Payload) -> Payload:
        (answer,) = await self._client.call(event, *args)
        return answer

    async def hear(self, event: str) -> Sequence[Payload]:
        return await self._client.next_args(event)

    async def leave(self) -> None:
        await self._client.disconnect()
        await self._client.wait_disconnect()

    def names_waiting(self) -> list[str]:
        return [event.name for event in self._client.events]


@final
class InPython:
    """python-socketio."""

    def __init__(self, client: PythonClient) -> None:
        self._client = client

    async def emit(self, event: str, *args: Payload) -> None:
        await self._client.emit(event, *args)

    async def ask(self, event: str, *args: Payload) -> Payload:
        return await self._client.call(event, *args)

    async def hear(self, event: str) -> Sequence[Payload]:
        return (await self._client.next(event)).args

    async def leave(self) -> None:
        await self._client.disconnect()

    def names_waiting(self) -> list[str]:
        return [event.name for event in self._client.events]


def token_of(user: str) -> str:
    """Make a token as the other back-end would, with the profile of the document's example."""
    claims = {
        "userId": user,
        "role": ROLES[user],
        "fullName": "John Doe",
        "profilePicture": "https://example.com/photo.jpg",
    }
    return make_token(SECRET, claims, now=time.time(), expires_in_seconds=600)


def on_node(node: NodeClients, url: str, transports: Sequence[str] | None) -> Connect:
    """Connect by socket.io-client."""

    @asynccontextmanager
    async def connect(user: str) -> AsyncIterator[Client]:
        yield OnNode(await node.connect(url, auth={"token": token_of(user)}, transports=transports))

    return connect


def in_python(url: str, transports: Sequence[str] | None) -> Connect:
    """Connect by python-socketio."""

    @asynccontextmanager
    async def connect(user: str) -> AsyncIterator[Client]:
        async with python_client(url, auth={"token": token_of(user)}, transports=transports) as client:
            yield InPython(client)

    return connect


@asynccontextmanager
async def served(url: str) -> AsyncGenerator[tuple[str, Services], None]:
    """Serve the system on a port; give the address and the system."""
    async with open_store(url) as store, trio.open_nursery() as nursery:
        foundation = make_foundation(store, Tokens(secret_key(SECRET)))
        services = Services(foundation)
        assembly = assemble([system_of(services, foundation)], foundation)
        server = Server(*assembly.routers, app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        listening = await nursery.start(server.serve, "127.0.0.1", 0)
        yield listening.url, services
        nursery.cancel_scope.cancel()


def check_like(value: Payload, example: Payload, where: str = "payload") -> None:
    """Assert that a payload has the keys of an example, and values of its types, all the way down."""
    if isinstance(example, Mapping):
        assert isinstance(value, Mapping), f"{where} is {value!r}"
        assert set(value) == set(example), where
        for key, part in example.items():
            check_like(value[key], part, f"{where}.{key}")
    elif isinstance(example, list):
        assert isinstance(value, list), f"{where} is {value!r}"
        for item in value:
            check_like(item, example[0] if example else item, f"{where}[]")
    else:
        assert type(value) is type(example), f"{where} is {value!r}"
