"""Delivered means received: what waits in a chat, a ticket or for a user is handed over until it was received."""

from slysock.systems.services import send_notification
from slysock.testing import MemoryClient, Received
from slysock_store import UserKey
from tests.slysock.systems.market import at
from tests.slysock.systems.services.office import (
    ANNA,
    BEN,
    CHAT,
    ROOT,
    SERVICES,
    TICKET,
    Office,
    heard,
    help_text,
    success,
    text,
)


def contents(events: list[Received], name: str) -> list[object]:
    """The texts of the messages that events of this name bring."""
    bodies = [event.args[0] for event in events if event.name == name]
    if name == "new-support-message":
        return [at(body, "data", "content", "text") for body in bodies]
    return [at(body, "content") for body in bodies]


async def mute(office: Office, user: str) -> MemoryClient:
    """Connect somebody who reads, but whose connection proves nothing."""
    client = await office.connect(user)
    client.connection.engine.pace.silent = True
    return client


async def test_what_waits_in_a_chat_is_handed_over_oldest_first_until_it_is_received(office: Office) -> None:
    anna = await office.connect(ANNA)
    for number in range(3):
        await anna.call("send-message", text(str(number)))
    for _ in range(2):
        ben = await mute(office, BEN)
        assert success(await ben.call("join-chat", CHAT))
        assert success(await ben.call("join-chat", CHAT))  # within one connection nothing comes twice
        events = await heard(ben)
        assert contents(events, "new-message") == ["0", "1", "2"]
        assert {at(event.args[0], "delivered") for event in events if event.name == "new-message"} == {True}
        await ben.connection.engine.drop()
    ben = await office.connect(BEN)
    await ben.call("join-chat", CHAT)
    assert contents(await heard(ben), "new-message") == ["0", "1", "2"]
    assert (await office.running.store.list_undelivered(SERVICES, UserKey(BEN))).page.items == ()
    again = await office.connect(BEN)
    await again.call("join-chat", CHAT)
    assert contents(await heard(again), "new-message") == []


async def test_a_live_message_waits_again_when_it_was_not_received(office: Office) -> None:
    anna, ben = await office.chatting(ANNA), await mute(office, BEN)
    await ben.call("join-chat", CHAT)
    await anna.call("send-message", text("live", clientMessageId="c"))
    assert contents(await heard(ben), "new-message") == ["live"]
    await anna.call("send-message", text("live", clientMessageId="c"))
    assert contents(await heard(ben), "new-message") == [], "it may have arrived"
    await ben.connection.engine.drop()
    again = await office.connect(BEN)
    await again.call("join-chat", CHAT)
    assert contents(await heard(again), "new-message") == ["live"]


async def test_a_retry_reaches_one_who_has_the_chat_open_and_was_sent_nothing(office: Office) -> None:
    anna, ben = await office.chatting(ANNA), await office.connect(BEN)
    await anna.call("send-message", text("early", clientMessageId="c"))
    await heard(anna)
    for socket in office.running.memory.server.of("/").sockets():
        if socket.id == ben.id:
            socket.join(f"services:chat:{CHAT}")  # as by another server that has handed nothing over
    await ben.call("user-join", BEN)
    await heard(ben)
    await heard(anna)
    await anna.call("send-message", text("early", clientMessageId="c"))
    assert [event.name for event in await heard(ben)] == ["new-message", "message-notification"]
    await anna.call("send-message", text("early", clientMessageId="c"))
    assert await heard(ben) == []
    assert await heard(anna) == []


async def test_what_waits_in_a_ticket_is_handed_over_until_it_is_received(office: Office) -> None:
    root = await office.in_ticket(ROOT)
    for number in range(3):
        await root.call("support-message", help_text(str(number)))
    anna = await mute(office, ANNA)
    await anna.call("join-support-ticket", {"ticketId": TICKET})
    assert contents(await heard(anna), "new-support-message") == ["0", "1", "2"]
    await root.call("support-message", help_text("3", clientMessageId="c"))
    assert contents(await heard(anna), "new-support-message") == ["3"]
    await root.call("support-message", help_text("3", clientMessageId="c"))
    assert contents(await heard(anna), "new-support-message") == []
    await anna.connection.engine.drop()
    for expected in (["0", "1", "2", "3"], []):
        anna = await office.connect(ANNA)
        await anna.call("join-support-ticket", {"ticketId": TICKET})
        assert contents(await heard(anna), "new-support-message") == expected
    stranger = await office.in_ticket(ROOT)
    assert contents(await heard(stranger), "new-support-message") == [], "an admin has none of the owner's"


async def test_notifications_wait_until_their_own_user_has_received_them(office: Office) -> None:
    root, anna = await office.connect(ROOT), await mute(office, ANNA)
    await root.call("join-notifications", ANNA)
    await anna.call("join-notifications", ANNA)
    await send_notification(office.services, ANNA, {"type": "x", "content": {"n": 1}})
    assert [event.name for event in await heard(anna)] == ["new-notification"]
    assert [event.name for event in await heard(root)] == ["new-notification"]
    await anna.connection.engine.drop()
    for expected in (["new-notification"], []):
        anna = await office.connect(ANNA)
        await anna.call("join-notifications", ANNA)
        assert [event.name for event in await heard(anna)] == expected
