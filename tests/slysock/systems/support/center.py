"""A support centre that runs in memory, and the people who call it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import final

from slysock.systems.support import support
from slysock.testing import MemoryClient, Response
from tests.slysock.systems.market import at, settle, token_for
from tests.slysock.systems.running import Running, json_of, open_systems

NAMESPACE = "/support"

PERSON_KEYS = {"_id": str, "name": str, "role": str}
MESSAGE_KEYS = {
    "_id": str,
    "conversation": str,
    "sender": dict,
    "type": str,
    "content": str,
    "isRead": bool,
    "createdAt": str,
    "updatedAt": str,
}
NEW_CONVERSATION_KEYS = {
    "_id": str,
    "participants": list,
    "subject": str,
    "status": str,
    "supportType": str,
    "createdAt": str,
    "updatedAt": str,
}
CONVERSATION_KEYS = {**NEW_CONVERSATION_KEYS, "lastMessage": dict, "unreadCount": int}
LAST_MESSAGE_KEYS = {"_id": str, "content": str, "type": str, "createdAt": str}


def assert_keys(value: object, keys: Mapping[str, type], *more: str) -> None:
    """Assert that an object has these keys, of these types, and no others but `more`."""
    assert isinstance(value, dict)
    assert set(value) == {*keys, *more}
    for name, kind in keys.items():
        assert type(value[name]) is kind, f"{name} is {value[name]!r}"


def http_failure(status: int, message: str, error: str) -> Mapping[str, object]:
    """Spell out the body of an HTTP error."""
    return {"statusCode": status, "message": message, "error": error}


def exception(status: int, message: str, error: str) -> Mapping[str, object]:
    """Spell out an `exception`."""
    return {"status": "error", **http_failure(status, message, error)}


@final
@dataclass(frozen=True)
class Caller:
    """Somebody with a token, with a socket or without."""

    running: Running
    id: str
    token: str
    socket: MemoryClient

    async def http(self, method: str, path: str, body: object = None) -> Response:
        """Make a request under `/support`."""
        return await self.running.http(method, f"/support{path}", token=self.token, body=body)

    async def ask(self, method: str, path: str, body: object = None) -> object:
        """Make a request that goes well, and give the answer."""
        response = await self.http(method, path, body)
        assert response.status in {200, 201}, response.body.decode()
        return json_of(response)

    async def send(self, conversation: str, content: str = "مرحبا", **fields: object) -> object:
        """Send a message."""
        return await self.ask("POST", "/messages", {"conversationId": conversation, "content": content, **fields})

    async def join(self, conversation: str) -> object:
        """Open a conversation and give the acknowledgement."""
        return await self.socket.call("join-conversation", {"conversationId": conversation})

    async def heard(self) -> list[tuple[str, object]]:
        """Take the events that have come when everything has settled: names and payloads."""
        await settle()
        return [(event.name, event.args[0]) for event in self.socket.waiting()]

    async def names_heard(self) -> list[str]:
        """Take them, and give their names."""
        return [name for name, _ in await self.heard()]


@final
@dataclass(frozen=True)
class Center:
    """The running system."""

    running: Running

    async def call(self, user_id: str, role: str, **claims: str) -> Caller:
        """Let somebody connect."""
        token = token_for(user_id, role, expires_in=3600, **claims)
        socket = await self.running.memory.connect(NAMESPACE, auth={"token": token})
        await settle()  # the connect hook stores who this is, behind the answer to the connect
        return Caller(self.running, user_id, token, socket)

    async def user(self, user_id: str = "u1") -> Caller:
        """Let a user connect."""
        return await self.call(user_id, "user", name="أحمد محمد")

    async def admin(self, user_id: str = "a1") -> Caller:
        """Let an admin connect."""
        return await self.call(user_id, "admin", name="المدير")

    async def restaurant(self, user_id: str = "r1") -> Caller:
        """Let a restaurant connect."""
        return await self.call(user_id, "RESTAURANT", name="مطعم")

    async def stranger(self) -> Caller:
        """Let somebody connect who has nothing to do with any of this."""
        return await self.call("stranger", "user", name="Mallory")

    async def tell_order(
        self, order_id: str, user_id: object, status: str, participants: Sequence[object] = ()
    ) -> object:
        """Tell of an order as the back-end does."""
        body = {"userId": user_id, "participants": participants, "status": status}
        response = await self.manage(f"orders/{order_id}", body)
        assert response.status == 200, response.body.decode()
        return json_of(response)

    async def manage(self, path: str, body: object) -> Response:
        """Tell of something as the back-end does."""
        token = token_for("backend", "service")
        return await self.running.http("PUT", f"/manage/support/{path}", token=token, body=body)


def id_of(shape: object) -> str:
    """Give the id of a conversation or message."""
    return str(at(shape, "_id"))


def data_of(listing: object) -> list[object]:
    """Give the items of a list."""
    data = at(listing, "data")
    assert isinstance(data, list)
    return data


@asynccontextmanager
async def open_center() -> AsyncGenerator[Center, None]:
    """Open a support centre."""
    async with open_systems(support) as running:
        yield Center(running)
