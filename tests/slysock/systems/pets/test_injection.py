"""An object where a scalar belongs never reaches a query: tried at every field of every event and endpoint."""

import pytest

from tests.slysock.systems.market import at, nothing_for
from tests.slysock.systems.pets.shop import Shop
from tests.slysock.systems.pets.test_strangers import EVENTS, filled
from tests.slysock.systems.running import json_of

OPERATORS: list[object] = [{"$gt": ""}, {"$ne": None}, {"$where": "1"}, [{"$gt": ""}], ["CHAT"], True, 1.5]

FIELDS: dict[str, dict[str, object]] = {
    **EVENTS,
    "sendMessage": {
        "chatId": "CHAT",
        "content": "x",
        "messageType": "text",
        "mediaUrl": "https://pets.example/a.png",
        "parentMessageId": "MESSAGE",
        "clientMessageId": "c1",
    },
    "reactMessage": {"chatId": "CHAT", "messageId": "MESSAGE", "emoji": "x"},
    "editMessage": {"chatId": "CHAT", "messageId": "MESSAGE", "content": "x"},
    "refreshToken": {"token": "x"},
}
BODIES: list[tuple[str, str, dict[str, object]]] = [
    ("POST", "/create", {"participantId": "ben", "petId": "p1", "chatType": "pet_inquiry"}),
    ("POST", "/CHAT/send", {name: value for name, value in FIELDS["sendMessage"].items() if name != "chatId"}),
]


@pytest.mark.parametrize(("event", "field"), [(event, field) for event in FIELDS for field in FIELDS[event]])
async def test_no_field_of_an_event_takes_an_operator(shop: Shop, event: str, field: str) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = await anna.send(chat, "as it was")
    await ben.drain()
    before = await anna.data("GET", f"/{chat}/messages")
    for operator in OPERATORS:
        if (event, field, operator) == ("typing", "isTyping", True):
            continue
        payload = filled({**FIELDS[event], field: operator}, chat, message, "")
        answer = await anna.socket.call(event, payload)
        assert at(answer, "success") is False, payload
        assert str(at(answer, "message")).startswith("Invalid payload")
    await nothing_for(ben.socket)
    assert await anna.data("GET", f"/{chat}/messages") == before


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
async def test_no_field_of_a_body_takes_an_operator(shop: Shop, method: str, path: str, body: object) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    message = await anna.send(chat)
    assert isinstance(body, dict)
    for field in body:
        for operator in OPERATORS:
            bad = filled({**body, field: operator}, chat, message, "")
            answer = await anna.http(method, str(filled(path, chat, message, "")), bad)
            assert answer.status == 400, bad
            assert at(json_of(answer), "success") is False


@pytest.mark.parametrize("payload", [None, [], "x", 5, True, {"$gt": ""}, {}, [{"$gt": ""}]])
@pytest.mark.parametrize("event", sorted(EVENTS))
async def test_no_event_takes_another_payload(shop: Shop, event: str, payload: object) -> None:
    anna = await shop.visit("anna")
    answer = await anna.socket.call(event, payload)
    assert at(answer, "success") is False


@pytest.mark.parametrize("text", ["%00", "..%2f..%2fetc%2fpasswd", "%24gt", "x" * 300, "%f0%9f%90%b6", "chat%27--"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/ID/messages"), ("PUT", "/ID/mark-read"), ("DELETE", "/message/ID"), ("GET", "/media/ID")],
)
async def test_an_id_in_a_path_is_a_text_and_no_more(shop: Shop, method: str, path: str, text: str) -> None:
    anna = await shop.visit("anna")
    answer = await anna.raw(method, path.replace("ID", text))
    assert answer.status in (400, 404)
    assert at(json_of(answer), "success") is False
