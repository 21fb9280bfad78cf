"""What holds whatever happens: acknowledged first, one order, once, and clear words while the store is unavailable."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from slysock.systems.domain import Unavailable
from slysock.systems.services import is_user_online, send_notification
from slysock.systems.services.chats import chat_key
from slysock.testing import MemoryClient
from slysock_protocol.engineio import Outgoing
from slysock_store import open_store
from tests.slysock.systems.market import at, store_now, token_for
from tests.slysock.systems.services.events import payloads
from tests.slysock.systems.services.office import (
    ANNA,
    BEN,
    CHAT,
    ROOT,
    SERVICES,
    TICKET,
    Office,
    failure,
    heard,
    help_text,
    office_on,
    open_office,
    success,
    text,
)
from tests.store.sqlite_parts import open_parts

OUT_OF_ORDER = failure(503, "The chat is temporarily unavailable, try again later")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (f'["user-join","{ANNA}"]', "user-status-changed"),
        (f'["send-message",{{"chatId":"{CHAT}","content":"x"}}]', "new-message"),
        (f'["mark-messages-read",{{"chatId":"{CHAT}"}}]', "messages-read"),
        (f'["get-online-status","{ANNA}"]', "online-status"),
        (f'["get-unread-count","{ANNA}"]', "unread-count"),
        (f'["mark-all-notifications-read","{ANNA}"]', "all-notifications-read"),
        (f'["support-message",{{"ticketId":"{TICKET}","content":"x"}}]', "new-support-message"),
    ],
)
async def test_the_acknowledgement_comes_before_the_event(office: Office, event: str, told: str) -> None:
    engine = await office.running.memory.open_engine()
    await engine.send(Outgoing(f'40{{"token":"{token_for(ANNA, "client")}"}}'.encode()))
    await engine.inbox.get()
    await engine.send(Outgoing(f"427{event}".encode()))
    acknowledgement, following = (await engine.inbox.get()).data, (await engine.inbox.get()).data
    assert acknowledgement.startswith(b'37[{"success":true')
    assert following.startswith(f'2["{told}"'.encode())


@pytest.mark.port  # real stores, whose writers are threads: the one thing that lets commits overtake each other
async def test_one_order_for_everybody_with_many_senders_at_once(durable_url: str) -> None:
    async with open_office(durable_url) as office:
        annas, bens = await crowd(office, ANNA), await crowd(office, BEN)
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                for position, client in enumerate((*annas, *bens)):
                    nursery.start_soon(send_many, client, position)
            orders = [await contents_heard(client, 60) for client in (*annas, *bens)]
        assert len(set(orders[0])) == 60
        assert all(order == orders[0] for order in orders)


async def crowd(office: Office, user: str) -> list[MemoryClient]:
    """Open three windows of somebody."""
    clients = [await office.connect(user) for _ in range(3)]
    for client in clients:
        await client.call("join-chat", CHAT)
    return clients


async def send_many(client: MemoryClient, position: int) -> None:
    for number in range(10):
        await client.call("send-message", text(f"{position}.{number}"))


async def contents_heard(client: MemoryClient, count: int) -> list[object]:
    contents: list[object] = []
    while len(contents) < count:
        event = await client.next()
        assert event.name == "new-message"
        contents.append(at(event.args[0], "content"))
    return contents


@pytest.mark.port
async def test_one_who_opens_the_chat_while_a_message_is_stored_has_it_delivered(durable_url: str) -> None:
    async with open_office(durable_url) as office:
        anna, ben = await office.connect(ANNA), await office.connect(BEN)
        for attempt in range(30):
            payload = text(f"{attempt}", clientMessageId=f"{attempt}")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(anna.call, "send-message", payload)
                nursery.start_soon(ben.call, "join-chat", CHAT)
            again = await anna.call("send-message", payload)
            assert at(again, "message", "delivered") is True
            await ben.call("leave-chat", CHAT)


@pytest.mark.port
async def test_one_who_comes_while_a_notification_is_stored_gets_it_once(durable_url: str) -> None:
    async with open_office(durable_url) as office:
        for attempt in range(30):
            user = f"user {attempt}"
            client = await office.connect(user)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send_notification, office.services, user, {"type": "x", "content": user})
                nursery.start_soon(client.call, "join-notifications", user)
            await client.call("join-notifications", user)
            told = [at(event.args[0], "content") for event in client.waiting()]
            assert told == [user]


@pytest.mark.port
async def test_what_is_stored_is_told_even_if_its_sender_leaves_at_once(durable_url: str) -> None:
    async with open_office(durable_url) as office:
        ben = await office.connect(BEN)
        await ben.call("join-chat", CHAT)
        for attempt in range(30):
            anna = await office.connect(ANNA)
            await anna.call("get-online-status", ANNA)
            await anna.emit("send-message", text(f"{attempt}"))
            for _ in range(3 * attempt):  # so that the server is found at another point each time
                await trio.lowlevel.checkpoint()
            await anna.connection.engine.drop()
        anna = await office.connect(ANNA)
        await anna.call("send-message", text("last"))  # behind whatever was still being stored: a chat has one order
        stored = await stored_texts(office)
        told: list[str] = []
        with trio.fail_after(60):
            while len(told) < len(stored):
                event = await ben.next()
                if event.name == "new-message":
                    told.append(str(at(event.args[0], "content")))
        assert told == stored
        assert told[-1] == "last"


async def stored_texts(office: Office) -> list[str]:
    """Give what the chat of Anna and Ben holds, in its order."""
    chat = await office.running.store.find_chat(SERVICES, chat_key(CHAT))
    assert chat is not None
    page = await office.running.store.list_messages(SERVICES, chat.id, limit=100)
    return [str(message.text) for message in reversed(page.items)]


async def test_a_store_out_of_order_is_503_and_nobody_is_told_anything() -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store("sqlite://", clock=store_now))
        async with office_on(store) as office:
            anna, ben, root = await office.visit(ANNA), await office.chatting(BEN), await office.in_ticket(ROOT)
            await heard(anna)
            await stack.aclose()
            for event, payload in payloads().items():
                await is_out_of_order(anna, event, payload)
            with pytest.raises(Unavailable):
                await send_notification(office.services, BEN, {"type": "x", "content": "x"})
            assert await heard(anna) == await heard(ben) == await heard(root) == []
            await anna.disconnect()
            (status,) = await ben.expect("user-status-changed")  # presence is memory, and goes on
            assert status == {"userId": ANNA, "isOnline": False, "lastActive": None}


async def is_out_of_order(client: MemoryClient, event: str, payload: object) -> None:
    """Check that an event is refused for the store's sake, as event and as acknowledgement."""
    assert await client.call(event, payload) == OUT_OF_ORDER, event
    error = {"message": OUT_OF_ORDER["message"], "event": event, "code": OUT_OF_ORDER["code"]}
    assert await client.expect("error") == (error,)


READING = ("get-online-status", "leave-chat", "get-unread-count", "typing-start", "typing-stop", "join-support-ticket")


@pytest.mark.port
async def test_a_store_that_cannot_write_leaves_nothing_half_done_and_service_resumes(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts, office_on(parts.store) as office:
        anna, ben = await office.connect(ANNA), await office.visit(BEN)
        message = at(await ben.call("send-message", text()), "message", "_id")
        told = await send_notification(office.services, ANNA, {"type": "x", "content": "x"})
        await anna.call("get-online-status", ANNA)
        await heard(anna)
        await heard(ben)
        wanted = payloads(str(message), told.id)
        writing = [
            event for event in wanted if event not in (*READING, "mark-message-read") and "support-t" not in event
        ]
        for event in ("join-chat", "join-notifications"):  # what waits is only read
            writing.remove(event)
        writing.remove("set-online-status")  # of one who has not joined: a conflict, whatever the store says
        parts.run("PRAGMA query_only = ON")
        for event in writing:
            await is_out_of_order(anna, event, wanted[event])
        rooms = {room for socket in office.running.memory.server.of("/").sockets() for room in socket.rooms}
        assert f"services:user:{ANNA}" not in rooms
        assert not is_user_online(office.services, ANNA)
        assert await heard(ben) == []
        parts.run("PRAGMA query_only = OFF")
        for event in writing:
            assert success(await anna.call(event, wanted[event])), event
        parts.run("PRAGMA query_only = ON")
        for event in ("join-chat", "join-notifications"):
            assert success(await anna.call(event, wanted[event])), event
        assert success(await anna.call("typing-start", {"chatId": CHAT}))
        rooms = {room for socket in office.running.memory.server.of("/").sockets() for room in socket.rooms}
        assert {f"services:chat:{CHAT}", f"notifications_{ANNA}"} <= rooms


async def test_a_retry_after_a_lost_acknowledgement_finds_the_message(office: Office) -> None:
    anna = await office.connect(ANNA)
    await anna.emit("support-message", help_text(clientMessageId="m1"))
    await anna.call("get-online-status", ANNA)
    await anna.connection.engine.drop()
    again = await office.connect(ANNA)
    await again.call("support-message", help_text(clientMessageId="m1"))
    chats = await office.running.store.list_chats(SERVICES, kind="ticket")
    assert [chat.message_count for chat in chats.items] == [1]
