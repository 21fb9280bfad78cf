"""What the back-end tells: users, chats, tickets; and the same over HTTP."""

import pytest

from slysock.systems.domain import Conflict, Invalid
from slysock.systems.services.payloads import ChatRecord, TicketRecord, UserRecord
from tests.slysock.systems.market import at, token_for
from tests.slysock.systems.running import json_of
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
    refused,
    success,
    text,
)


async def test_telling_the_same_again_changes_nothing(office: Office) -> None:
    for _ in range(2):
        record = await office.services.managing.put_chat("c", ChatRecord(client_id=ANNA, provider_id=BEN))
        assert (record.chat_id, record.client_id, record.provider_id) == ("c", ANNA, BEN)
        ticket = await office.services.managing.put_ticket("t", TicketRecord(user_id=ANNA, subject="Help"))
        assert (ticket.ticket_id, ticket.user_id, ticket.subject) == ("t", ANNA, "Help")
    assert (await office.services.managing.put_ticket("t", TicketRecord(user_id=ANNA))).subject == "Help"
    assert (
        await office.services.managing.put_ticket("t", TicketRecord(user_id=ANNA, subject="More"))
    ).subject == "More"
    assert (await office.services.managing.put_ticket("u", TicketRecord(user_id=ANNA))).subject is None


async def test_another_owner_is_a_conflict_and_changes_nothing(office: Office) -> None:
    with pytest.raises(Conflict):
        await office.services.managing.put_chat(CHAT, ChatRecord(client_id=EVE, provider_id=BEN))
    with pytest.raises(Conflict):
        await office.services.managing.put_chat(CHAT, ChatRecord(client_id=BEN, provider_id=ANNA))
    with pytest.raises(Conflict):
        await office.services.managing.put_ticket(TICKET, TicketRecord(user_id=EVE, subject="mine now"))
    with pytest.raises(Invalid):
        await office.services.managing.put_chat("c", ChatRecord(client_id="7", provider_id=7))
    anna = await office.connect(ANNA)
    assert success(await anna.call("join-chat", CHAT))


@pytest.mark.parametrize(
    ("profile", "name", "photo"),
    [
        ({"full_name": "Anna Lind"}, "Anna Lind", None),
        ({"name": "Anna L."}, "Anna L.", None),
        ({"first_name": "Anna", "last_name": "Lind"}, "Anna Lind", None),
        ({"first_name": "Anna"}, "Anna", None),
        ({"username": "anna99"}, "anna99", None),
        ({"avatar": "/a.jpg"}, None, "/a.jpg"),
        ({"profile_picture": "/p.jpg", "avatar": "/a.jpg"}, None, "/p.jpg"),
        ({"profile_photo": "/f.jpg"}, None, "/f.jpg"),
    ],
)
async def test_a_profile_under_any_of_its_names(
    office: Office, profile: dict[str, str], name: str | None, photo: str | None
) -> None:
    await office.services.managing.put_user(ANNA, UserRecord(role="Client", **profile))
    anna = await office.connect(ANNA, "")
    sender = at(await anna.call("send-message", text()), "message", "sender")
    assert sender == {"_id": ANNA, "fullName": name, "profilePhoto": {"url": photo}, "role": "client"}


@pytest.mark.parametrize("photo", [{"url": "/photo.jpg"}, "/photo.jpg"])
async def test_the_photo_that_a_token_tells_of_is_shown(office: Office, photo: object) -> None:
    anna = await office.connect(ANNA, profilePhoto=photo)
    assert at(await anna.call("send-message", text()), "message", "sender", "profilePhoto") == {"url": "/photo.jpg"}


async def test_what_the_back_end_tells_of_a_user_reaches_their_live_sockets_and_nobody_elses(office: Office) -> None:
    anna, ticket, root = await office.chatting(ANNA), await office.in_ticket(ANNA), await office.connect(ROOT)
    assert success(await root.call("user-join", ANNA))  # looks on, and stays who they are
    told = UserRecord(role="client", full_name="Anna Neu", profile_photo="/new.jpg")
    await office.services.managing.put_user(ANNA, told)
    shown = {"_id": ANNA, "fullName": "Anna Neu", "profilePhoto": {"url": "/new.jpg"}, "role": "client"}
    assert at(await anna.call("send-message", text()), "message", "sender") == shown
    assert at(await ticket.call("support-message", help_text()), "message", "sender") == shown
    assert at(await root.call("support-message", help_text()), "message", "sender", "_id") == ROOT


async def test_a_role_that_the_back_end_takes_away_holds_on_live_sockets(office: Office) -> None:
    anna = await office.chatting(ANNA)
    await office.services.managing.put_user(ANNA, UserRecord(role="provider"))
    assert (await refused(anna, "send-message", text()))[0] == 403


async def test_the_back_end_tells_it_over_http(office: Office) -> None:
    async def put(path: str, body: object) -> object:
        response = await office.running.http("PUT", f"/manage/services/{path}", token=token, body=body)
        assert response.status == 200, response.body
        return json_of(response)

    token = token_for("back-end", "service")
    photo = {"url": "https://example.com/z.jpg"}
    shown = await put("users/zoe", {"role": "client", "fullName": "Zoe", "profilePhoto": photo})
    assert shown == {"_id": "zoe", "fullName": "Zoe", "profilePhoto": photo, "role": "client"}
    chat = {"chatId": "c1", "clientId": "zoe", "providerId": BEN}
    assert await put("chats/c1", {"clientId": "zoe", "providerId": BEN}) == chat
    ticket = {"ticketId": "t1", "userId": "zoe", "subject": "Payment"}
    assert await put("tickets/t1", {"userId": "zoe", "subject": "Payment"}) == ticket
    zoe = await office.connect("zoe", "")
    await zoe.call("user-join", "zoe")
    await zoe.call("join-notifications", "zoe")
    assert success(await zoe.call("join-chat", "c1"))
    assert success(await zoe.call("join-support-ticket", {"ticketId": "t1"}))
    await heard(zoe)
    body = {"userId": "zoe", "type": "booking", "content": {"title": "Confirmed"}}
    response = await office.running.http("POST", "/manage/services/notifications", token=token, body=body)
    assert response.status in (200, 201), response.body
    assert await zoe.expect("new-notification") == (json_of(response),)
    presence = json_of(await office.running.http("GET", "/manage/services/presence/zoe", token=token))
    assert (at(presence, "isOnline"), at(presence, "sockets")) == (True, 1)


@pytest.mark.parametrize("role", ["client", "provider", ""])
async def test_the_management_is_closed_to_users(office: Office, role: str) -> None:
    body = {"clientId": EVE, "providerId": ANNA}
    response = await office.running.http("PUT", "/manage/services/chats/x", token=token_for(EVE, role), body=body)
    assert response.status == 403
    assert (await office.running.http("PUT", "/manage/services/chats/x", body=body)).status == 401
