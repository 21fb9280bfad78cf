"""Every event as somebody who has no business with it: refused, nothing changed, nobody told, nothing learnt."""

import pytest

from slysock.systems.services import send_notification
from slysock.systems.services.payloads import ChatRecord
from slysock.testing import MemoryClient
from tests.slysock.systems.market import at, nothing_for
from tests.slysock.systems.services.events import payloads, records_of
from tests.slysock.systems.services.office import (
    ANNA,
    BEN,
    CHAT,
    EVE,
    ROOT,
    TICKET,
    Office,
    heard,
    help_text,
    names_heard,
    refused,
    text,
)

PUBLIC = {"get-online-status"}
"""What the document gives to everybody."""

EXPECTED = {
    "user-join": (403, "The user id is not yours"),
    "set-online-status": (403, "The user id is not yours"),
    "join-notifications": (403, "The user id is not yours"),
    "mark-all-notifications-read": (403, "The user id is not yours"),
    "get-unread-count": (403, "The user id is not yours"),
    "join-chat": (404, "Chat not found"),
    "leave-chat": (404, "Chat not found"),
    "send-message": (404, "Chat not found"),
    "mark-messages-read": (404, "Chat not found"),
    "typing-start": (404, "Chat not found"),
    "typing-stop": (403, "The user id is not yours"),
    "mark-notification-read": (404, "Notification not found"),
    "join-support-ticket": (404, "Ticket not found"),
    "support-message": (404, "Ticket not found"),
    "support-typing-start": (404, "Ticket not found"),
    "support-typing-stop": (404, "Ticket not found"),
    "mark-message-read": (404, "Message not found"),
}


async def busy_place(office: Office) -> tuple[list[MemoryClient], str, str]:
    """Let everything go on that a stranger might want to know; give who is there, a message and a notification."""
    people = [await office.chatting(ANNA), await office.chatting(BEN), await office.in_ticket(ROOT)]
    anna, _, root = people
    await root.call("join-support-dashboard")
    await anna.call("join-support-ticket", {"ticketId": TICKET})
    await anna.call("join-notifications", ANNA)
    await anna.call("send-message", text("a secret"))
    message = await anna.call("support-message", help_text("another secret"))
    told = await send_notification(office.services, ANNA, {"type": "x", "content": "a third"})
    return people, str(at(message, "message", "_id")), told.id


@pytest.mark.parametrize("event", sorted(payloads().keys() - PUBLIC))
async def test_a_stranger_is_refused_and_nothing_happens(office: Office, event: str) -> None:
    people, message_id, notification_id = await busy_place(office)
    stranger = await office.connect(EVE)
    await stranger.call("get-online-status", EVE)  # signed in, so that what follows changes nothing at all
    for client in (*people, stranger):
        await heard(client)
    before = await records_of(office)
    assert await refused(stranger, event, payloads(message_id, notification_id)[event]) == EXPECTED[event]
    assert await records_of(office) == before
    await nothing_for(stranger, *people)


@pytest.mark.parametrize("event", sorted(payloads().keys() - PUBLIC))
async def test_what_is_anothers_reads_like_what_is_not_there(office: Office, event: str) -> None:
    _, message_id, notification_id = await busy_place(office)
    stranger = await office.connect(EVE)
    anothers = payloads(message_id, notification_id)[event]
    nothing = payloads()[event]
    if isinstance(nothing, dict):
        nothing = {
            key: "nobody" if key in ("chatId", "roomId", "ticketId") else value for key, value in nothing.items()
        }
    elif nothing == CHAT:
        nothing = "nobody"
    assert await refused(stranger, event, anothers) == await refused(stranger, event, nothing)


async def test_whoever_is_refused_overhears_nothing_afterwards(office: Office) -> None:
    stranger = await office.come(EVE)
    for event, payload in payloads().items():
        await stranger.call(event, payload)
    await stranger.call("join-support-dashboard")
    await heard(stranger)
    people, message_id, _ = await busy_place(office)
    anna, ben, root = people
    await ben.call("typing-start", {"chatId": CHAT})
    await ben.call("mark-messages-read", {"chatId": CHAT})
    await root.call("support-typing-start", {"ticketId": TICKET})
    await root.call("mark-message-read", {"messageId": message_id})
    await anna.call("mark-all-notifications-read", ANNA)
    assert set(await names_heard(stranger)) <= {"user-status-changed"}  # the document tells everybody


@pytest.mark.parametrize("event", sorted(payloads()))
async def test_an_admin_is_a_stranger_to_chats_but_not_to_tickets(office: Office, event: str) -> None:
    people, message_id, _ = await busy_place(office)
    admin = await office.connect("second admin", "admin")
    answer = await admin.call(event, payloads(message_id)[event])
    is_refused = at(answer, "success") is False
    about_chats = event in {"join-chat", "leave-chat", "send-message", "mark-messages-read", "typing-start"}
    # A notification is its user's alone: the event names no user, so an admin's own is meant.
    assert is_refused is (about_chats or event == "mark-notification-read")
    assert len(people) == 3


async def test_an_admin_may_type_for_a_participant_only(office: Office) -> None:
    root, ben = await office.connect(ROOT), await office.chatting(BEN)
    await root.call("typing-start", {"roomId": CHAT, "userId": ANNA})
    assert await ben.expect("user-typing") == ({"userId": ANNA, "isTyping": True},)
    expected = (404, "Chat not found")
    assert await refused(root, "typing-start", {"roomId": CHAT, "userId": EVE}) == expected
    await office.services.managing.put_chat("own", ChatRecord(client_id=ROOT, provider_id=BEN))
    await root.call("join-chat", "own")
    assert await refused(root, "typing-start", {"roomId": "own", "userId": EVE}) == expected


async def test_a_provider_of_two_chats_does_not_mix_them_up(office: Office) -> None:
    anna, ben = await office.chatting(ANNA), await office.chatting(BEN)
    eve = await office.chatting(EVE, "507f1f77bcf86cd799439033")
    await ben.call("send-message", text("for Anna"))
    await ben.call("typing-start", {"chatId": CHAT})
    await ben.call("mark-messages-read", {"chatId": CHAT})
    assert set(await names_heard(anna)) == {"new-message", "message-notification", "user-typing", "messages-read"}
    await nothing_for(eve)
