"""What holds whatever happens: acknowledged first, one order, once, and clear words while the store is out of order."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from slysock import Server
from slysock.systems.assembly import assemble
from slysock.systems.domain import Unavailable
from slysock.systems.foundation import make_foundation
from slysock.systems.services import Services, send_notification, system_of
from slysock.systems.services.chats import chat_key
from slysock.systems.services.records import PutChat, PutTicket
from slysock.testing import MemoryClient, serve_memory
from slysock.tokens import Tokens, secret_key
from slysock_protocol.engineio import Outgoing
from slysock_store import open_store
from tests.systems.market import SECRET, at, now, store_now, token_for
from tests.systems.running import Running
from tests.systems.services.events import payloads
from tests.systems.services.office import (
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
    open_office,
    text,
)

OUT_OF_ORDER = failure(503, "The chat is out of order at the moment, try again later")


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


@pytest.mark.port  # a real file, whose writer is a thread: the one thing that lets commits overtake each other
async def test_one_order_for_everybody_with_many_senders_at_once(tmp_path: Path) -> None:
    async with open_office(f"sqlite:///{tmp_path}/chat.db") as office:
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
async def test_one_who_opens_the_chat_while_a_message_is_stored_has_it_delivered(tmp_path: Path) -> None:
    async with open_office(f"sqlite:///{tmp_path}/chat.db") as office:
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
async def test_one_who_comes_while_a_notification_is_stored_gets_it_once(tmp_path: Path) -> None:
    async with open_office(f"sqlite:///{tmp_path}/chat.db") as office:
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
async def test_what_is_stored_is_told_even_if_its_sender_leaves_at_once(tmp_path: Path) -> None:
    async with open_office(f"sqlite:///{tmp_path}/chat.db") as office:
        ben = await office.connect(BEN)
        await ben.call("join-chat", CHAT)
        for attempt in range(30):
            anna = await office.connect(ANNA)
            await anna.call("get-online-status", ANNA)
            await anna.emit("send-message", text(f"{attempt}"))
            for _ in range(3 * attempt):  # so that the server is found at another point each time
                await trio.lowlevel.checkpoint()
            await anna.connection.engine.drop()
        told: list[str] = []
        with trio.fail_after(20):
            while len(office.running.memory.server.of("/").sockets()) > 1 or told != await stored_texts(office):
                await ben.call("get-online-status", BEN)
                told += [str(at(event.args[0], "content")) for event in ben.waiting() if event.name == "new-message"]
        assert len(told) > 1


async def stored_texts(office: Office) -> list[str]:
    """Give what the chat of Anna and Ben holds, in its order."""
    chat = await office.running.store.find_chat(SERVICES, chat_key(CHAT))
    assert chat is not None
    page = await office.running.store.list_messages(SERVICES, chat.id, limit=100)
    return [str(message.text) for message in reversed(page.items)]


async def test_a_store_out_of_order_is_503_and_nobody_is_told_anything() -> None:
    made: list[Services] = []
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store("sqlite://", clock=store_now))
        foundation = make_foundation(store, Tokens(secret_key(SECRET), clock=now))
        made.append(Services(foundation))
        assembly = assemble([system_of(made[0], foundation)], foundation)
        server = Server(*assembly.routers)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            office = Office(Running(memory, store, assembly), made[0])
            await office.services.put_chat(CHAT, PutChat(client_id=ANNA, provider_id=BEN))
            await office.services.put_ticket(TICKET, PutTicket(user_id=ANNA))
            anna, ben, root = await office.visit(ANNA), await office.chatting(BEN), await office.in_ticket(ROOT)
            await heard(anna)
            await stack.aclose()
            for event, payload in payloads().items():
                assert await anna.call(event, payload) == OUT_OF_ORDER, event
                code, message = OUT_OF_ORDER["code"], OUT_OF_ORDER["message"]
                assert await anna.expect("error") == ({"message": message, "event": event, "code": code},)
            with pytest.raises(Unavailable):
                await send_notification(office.services, BEN, {"type": "x", "content": "x"})
            assert await heard(anna) == await heard(ben) == await heard(root) == []
            assert len(server.of("/").to(f"services:chat:{CHAT}").sockets()) == 1  # Ben's: Anna has not joined by halves
            await anna.disconnect()
            (status,) = await ben.expect("user-status-changed")  # presence is memory, and goes on
            assert status == {"userId": ANNA, "isOnline": False, "lastActive": None}
        nursery.cancel_scope.cancel()


async def test_a_retry_after_a_lost_acknowledgement_finds_the_message(office: Office) -> None:
    anna = await office.connect(ANNA)
    await anna.emit("support-message", help_text(clientMessageId="m1"))
    await anna.call("get-online-status", ANNA)
    await anna.connection.engine.drop()
    again = await office.connect(ANNA)
    await again.call("support-message", help_text(clientMessageId="m1"))
    chats = await office.running.store.list_chats(SERVICES, kind="ticket")
    assert [chat.message_count for chat in chats.items] == [1]
