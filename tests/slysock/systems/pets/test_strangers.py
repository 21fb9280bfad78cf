"""Every event and endpoint as somebody who is no part of the chat: nothing is seen, changed or told."""

import pytest

from slysock.identity import Tokens, secret_key
from slysock.systems.foundation import SystemSettings, make_foundation
from slysock.systems.pets import pets
from slysock_store import open_store
from tests.slysock.systems.market import SECRET, at, nothing_for, settle
from tests.slysock.systems.pets.shop import PNG, Shop
from tests.slysock.systems.running import json_of

NOWHERE = "0" * 24
NO_MEDIA = f"chat-1-{'0' * 32}.png"

# event -> its payload about a chat, a message and a file
EVENTS: dict[str, dict[str, object]] = {
    "typing": {"chatId": "CHAT", "isTyping": True},
    "sendMessage": {"chatId": "CHAT", "content": "let me in"},
    "markAsRead": {"chatId": "CHAT", "messageId": "MESSAGE"},
    "join-chat": {"chatId": "CHAT"},
    "reactMessage": {"messageId": "MESSAGE", "emoji": "x"},
    "editMessage": {"messageId": "MESSAGE", "content": "mine now"},
}
HARMLESS = {"online", "refreshToken"}  # about nobody but the user
REQUESTS: list[tuple[str, str, object]] = [
    ("GET", "/CHAT/messages", None),
    ("POST", "/CHAT/send", {"content": "let me in"}),
    ("PUT", "/CHAT/mark-read", None),
    ("PUT", "/CHAT/toggle-block", None),
    ("DELETE", "/message/MESSAGE", None),
    ("GET", "/media/MEDIA", None),
    ("HEAD", "/media/MEDIA", None),
]


def filled(value: object, chat: str, message: str, media: str) -> object:
    if isinstance(value, dict):
        return {name: filled(item, chat, message, media) for name, item in value.items()}
    if isinstance(value, str):
        return value.replace("CHAT", chat).replace("MESSAGE", message).replace("MEDIA", media)
    return value


async def test_the_walk_knows_every_event() -> None:
    async with open_store("sqlite://") as store:
        system = pets(make_foundation(store, Tokens(secret_key(SECRET)), SystemSettings()))
        events = {event for router in system.routers for event, _ in router.registrations.handlers}
    assert events == EVENTS.keys() | HARMLESS


async def test_a_stranger_learns_and_changes_nothing_and_existence_makes_no_difference(shop: Shop) -> None:
    anna, ben, eve = await shop.visit("anna"), await shop.visit("ben"), await shop.visit("eve")
    chat = await anna.create("ben", petId="p1")
    message = await anna.send(chat, "a secret")
    media = str(at(json_of(await anna.upload(chat)), "data", "mediaUrl"))
    own = await eve.create("anna")
    await settle()
    for person in (anna, ben, eve):
        person.socket.waiting()
    before = await anna.data("GET", f"/{chat}/messages")

    for event, payload in EVENTS.items():
        real = await eve.socket.call(event, filled(payload, chat, message, media))
        unreal = await eve.socket.call(event, filled(payload, NOWHERE, NOWHERE, NO_MEDIA))
        assert real == unreal
        assert at(real, "success") is False
    for method, path, body in REQUESTS:
        real_answer = await eve.http(method, str(filled(path, chat, message, media)), body)
        unreal_answer = await eve.http(method, str(filled(path, NOWHERE, NOWHERE, NO_MEDIA)), body)
        assert (real_answer.status, real_answer.body) == (unreal_answer.status, unreal_answer.body)
        assert real_answer.status == 404
    refused = await eve.upload(chat)
    assert refused.status == 404

    # What is another chat's cannot be pulled into one's own.
    for fields in ({"mediaUrl": media, "messageType": "image"}, {"content": "re", "parentMessageId": message}):
        assert (await eve.http("POST", f"/{own}/send", fields)).status == 404
    assert at(await eve.socket.call("markAsRead", {"chatId": own, "messageId": message}), "success") is False

    assert {event.name for event in await eve.drain()} == {"error"}
    await nothing_for(anna.socket, ben.socket)
    assert await anna.data("GET", f"/{chat}/messages") == before
    listed = at(await eve.data("GET", "/my-chats"), "chats")
    assert isinstance(listed, list)
    assert [at(item, "_id") for item in listed] == [own]
    assert shop.files() == [media]
    assert (await anna.raw("GET", f"/media/{media}")).body == PNG


async def test_nothing_of_a_chat_is_told_to_a_stranger(shop: Shop) -> None:
    anna, ben, eve = await shop.visit("anna"), await shop.visit("ben"), await shop.visit("eve")
    chat = await anna.create("ben")
    await eve.socket.call("join-chat", {"chatId": chat})
    eve.socket.waiting()
    message = await anna.send(chat)
    await anna.socket.call("typing", {"chatId": chat, "isTyping": True})
    await ben.socket.call("markAsRead", {"chatId": chat, "messageId": message})
    await ben.socket.call("reactMessage", {"messageId": message, "emoji": "x"})
    await anna.socket.call("editMessage", {"messageId": message, "content": "y"})
    await anna.data("DELETE", f"/message/{message}")
    await anna.upload(chat)
    assert [event.name for event in await eve.drain()] in ([], ["error"])
    assert [event.name for event in await ben.drain()] == [
        "newMessage",
        "typing",
        "messageRead",
        "messageReaction",
        "messageEdited",
        "messageDeleted",
        "newMessage",
    ]


@pytest.mark.parametrize(("method", "path", "body"), [*REQUESTS, ("GET", "/my-chats", None)])
async def test_nobody_gets_anything_by_request_without_a_token(
    shop: Shop, method: str, path: str, body: object
) -> None:
    answer = await shop.running.http(method, f"/api/chat{filled(path, NOWHERE, NOWHERE, NO_MEDIA)}", body=body)
    assert answer.status == 401
    if method != "HEAD":
        assert json_of(answer) == {"success": False, "message": "Authentication token is missing"}


@pytest.mark.parametrize("path", ["create", f"{NOWHERE}/send-media"])
async def test_nobody_sends_anything_by_request_without_a_token(shop: Shop, path: str) -> None:
    answer = await shop.running.http("POST", f"/api/chat/{path}", body={"participantId": "ben"})
    assert answer.status == 401
