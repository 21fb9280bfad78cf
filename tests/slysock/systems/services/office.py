"""The services system in memory, the people who use it, and what the back-end behind it has told."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import final

import trio

from slysock import Server
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import SystemSettings, make_foundation
from slysock.systems.services import Services, system_of
from slysock.systems.services.payloads import ChatRecord, TicketRecord
from slysock.testing import MemoryClient, Received, serve_memory
from slysock_store import Store, SystemName, open_store
from tests.slysock.systems.market import MEMORY, SECRET, now, settle, store_now, system_now, token_for
from tests.slysock.systems.running import Running

SERVICES = SystemName("services")
CHAT, TICKET = "507f1f77bcf86cd799439011", "507f1f77bcf86cd799439022"
ANNA, BEN, EVE, ROOT = "anna", "ben", "eve", "root"
"""A client, a provider, a stranger to both, and an admin."""

ROLES = {ANNA: "client", BEN: "provider", EVE: "client", ROOT: "admin"}
OTHER_CHAT = "507f1f77bcf86cd799439033"
"""The stranger's own, with the provider."""


@final
@dataclass
class Office:
    """The running system: one chat of Anna and Ben, one ticket of Anna's, one chat of Eve and Ben."""

    running: Running
    services: Services
    clients: list[MemoryClient] = field(default_factory=list)

    async def connect(
        self, user: object, role: str | None = None, *, expires_in: float = 3600, **claims: object
    ) -> MemoryClient:
        """Connect somebody, who says nothing yet."""
        role = ROLES.get(str(user), "client") if role is None else role
        token = token_for(user, role, expires_in=expires_in, **claims)
        return await self.running.memory.connect(auth={"token": token})

    async def come(self, user: str) -> MemoryClient:
        """Connect somebody who joins as the document tells; what comes to them at once is taken."""
        client = await self.connect(user)
        await client.call("user-join", user)
        await settle()
        client.waiting()
        self.clients.append(client)
        return client

    async def visit(self, user: str) -> MemoryClient:
        """Likewise, for tests that are not about presence: what the others are told of it is taken, too."""
        client = await self.come(user)
        for other in self.clients:
            assert {event.name for event in other.waiting()} <= {"user-status-changed"}
        return client

    async def chatting(self, user: str, chat_id: str = CHAT) -> MemoryClient:
        """Let somebody in who has a chat open."""
        client = await self.visit(user)
        assert success(await client.call("join-chat", chat_id))
        return client

    async def in_ticket(self, user: str) -> MemoryClient:
        """Connect somebody who has the ticket open."""
        client = await self.connect(user)
        assert success(await client.call("join-support-ticket", {"ticketId": TICKET}))
        return client


@asynccontextmanager
async def open_office(url: str = MEMORY, *, trust_user_join: bool = False) -> AsyncGenerator[Office, None]:
    """Open it, on a store of its own."""
    clock = store_now if url == MEMORY else system_now  # a file's writer is a thread, to which the mock clock is none
    async with open_store(url, clock=clock) as store, office_on(store, trust_user_join=trust_user_join) as office:
        yield office


@asynccontextmanager
async def office_on(store: Store, *, trust_user_join: bool = False) -> AsyncGenerator[Office, None]:
    """Open it, on a store that the test may make unavailable."""
    foundation = make_foundation(
        store, Tokens(secret_key(SECRET), clock=now), SystemSettings(trust_user_join=trust_user_join)
    )
    services = Services(foundation)
    assembly = assemble([system_of(services, foundation)], foundation)
    server = Server(*assembly.routers, app=assembly.app)
    assembly.started(server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            office = Office(Running(memory, store, assembly), services)
            await services.managing.put_chat(CHAT, ChatRecord(client_id=ANNA, provider_id=BEN))
            await services.managing.put_chat(OTHER_CHAT, ChatRecord(client_id=EVE, provider_id=BEN))
            await services.managing.put_ticket(TICKET, TicketRecord(user_id=ANNA, subject="Payment"))
            yield office
        nursery.cancel_scope.cancel()


def success(answer: object) -> bool:
    """Tell whether an acknowledgement says that it worked."""
    assert isinstance(answer, dict)
    return answer["success"] is True


def failure(code: int, message: str) -> dict[str, object]:
    """Spell out the acknowledgement of a failure."""
    return {"success": False, "message": message, "code": code}


async def refused(client: MemoryClient, event: str, *args: object) -> tuple[int, str]:
    """Send an event that must fail, see that event and acknowledgement agree, give code and message."""
    answer = await client.call(event, *args)
    assert isinstance(answer, dict), f"{event} was answered {answer!r}"
    assert answer.get("success") is False, f"{event} was answered {answer!r}"
    assert set(answer) == {"success", "message", "code"}
    (error,) = await client.expect("error")
    assert error == {"message": answer["message"], "code": answer["code"], "event": event}
    return int(answer["code"]), str(answer["message"])


async def heard(client: MemoryClient) -> list[Received]:
    """Take what has come when everything has settled."""
    await settle()
    return client.waiting()


async def names_heard(client: MemoryClient) -> list[str]:
    """Likewise, the names only."""
    return [event.name for event in await heard(client)]


def text(content: str = "Hello there!", **fields: object) -> dict[str, object]:
    """Make the payload of a `send-message`."""
    return {"chatId": CHAT, "content": content, **fields}


def help_text(content: str = "Hello, I need help", **fields: object) -> dict[str, object]:
    """Make the payload of a `support-message`."""
    return {"ticketId": TICKET, "content": content, **fields}
