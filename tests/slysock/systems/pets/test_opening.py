"""Chats: made, listed, paged; listings and users as another back-end tells of them."""

import pytest
import trio

from tests.slysock.systems.market import at, length, token_for
from tests.slysock.systems.pets.shop import Shop
from tests.slysock.systems.running import json_of

LISTING = {
    "title": "Golden Retriever Puppy",
    "images": ["/a.jpg", {"url": "/b.jpg"}],
    "price": 15000,
    "address": "Delhi",
    "ownerId": "owner",
}


async def tell(shop: Shop, path: str, body: object) -> object:
    answer = await shop.running.http("PUT", f"/manage/pets/{path}", token=token_for("b", "service"), body=body)
    assert answer.status == 200, answer.body
    return json_of(answer)


async def test_a_chat_is_made_once_whoever_of_the_two_asks(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    first = await anna.http("POST", "/create", {"participantId": "ben", "petId": "p1"})
    assert (first.status, at(json_of(first), "message")) == (201, "Chat created successfully")
    second = await ben.http("POST", "/create", {"participantId": "anna", "petId": "p1"})
    assert (second.status, at(json_of(second), "message")) == (200, "Chat retrieved successfully")
    assert at(json_of(first), "data", "_id") == at(json_of(second), "data", "_id")
    others = {await anna.create("ben"), await anna.create("ben", petId="p2"), await anna.create("carl", petId="p1")}
    assert len(others | {str(at(json_of(first), "data", "_id"))}) == 4


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "direct"),
        ({"petId": "p"}, "pet_inquiry"),
        ({"petId": None}, "direct"),
        ({"chatType": "general"}, "general"),
    ],
)
async def test_the_type_of_a_chat_follows_from_what_it_is_about(
    shop: Shop, fields: dict[str, object], kind: str
) -> None:
    anna = await shop.visit("anna")
    chat = await anna.data("POST", "/create", {"participantId": "ben", **fields})
    assert at(chat, "chatType") == kind
    assert (at(chat, "petListing") is None) is (kind != "pet_inquiry")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"participantId": ""},
        {"participantId": "anna"},
        {"participantId": "ben", "chatType": "pet_inquiry"},
        {"participantId": "ben", "petId": "p", "chatType": "direct"},
        {"participantId": "x" * 129},
    ],
)
async def test_a_chat_that_makes_no_sense_is_not_made(shop: Shop, body: object) -> None:
    anna = await shop.visit("anna")
    answer = await anna.http("POST", "/create", body)
    assert answer.status == 400
    assert at(json_of(answer), "success") is False
    assert at(await anna.data("GET", "/my-chats"), "pagination", "totalChats") == 0


async def test_a_listing_appears_in_its_chats_as_soon_as_it_is_told_and_its_owner_in_new_ones(shop: Shop) -> None:
    anna, owner = await shop.visit("anna"), await shop.visit("owner")
    before = await anna.create("agent", petId="p1")
    bare = at(await anna.data("GET", "/my-chats"), "chats", 0, "petListing")
    assert bare == {"_id": "p1", "title": None, "images": [], "price": None, "address": None}
    shown = await tell(shop, "listings/p1", LISTING)
    assert shown == {
        "_id": "p1",
        "title": "Golden Retriever Puppy",
        "images": [{"url": "/a.jpg"}, {"url": "/b.jpg"}],
        "price": 15000,
        "address": "Delhi",
    }
    assert await tell(shop, "listings/p1", LISTING) == shown
    listed = at(await anna.data("GET", "/my-chats"), "chats", 0)
    assert at(listed, "_id") == before
    assert at(listed, "petListing") == shown
    assert at(await owner.data("GET", "/my-chats"), "chats") == []
    fresh = await anna.data("POST", "/create", {"participantId": "helper", "petId": "p1"})
    assert [at(person, "_id") for person in _items(at(fresh, "participants"))] == ["anna", "helper", "owner"]
    assert length(at(await owner.data("GET", "/my-chats"), "chats")) == 1


async def test_a_user_who_is_told_of_is_seen_at_once_and_a_request_with_an_older_token_changes_nothing(
    shop: Shop,
) -> None:
    anna = await shop.visit("anna", name="Old")
    chat = await anna.create("ben")
    profile = {"role": "Seller", "name": "New", "email": "new@pets.example", "profilePicture": "/new.jpg"}
    assert await tell(shop, "users/anna", profile) == {
        "_id": "anna",
        "name": "New",
        "email": "new@pets.example",
        "profilePicture": "/new.jpg",
    }
    by_event = await anna.socket.call("sendMessage", {"chatId": chat, "content": "x"})
    by_request = await anna.data("POST", f"/{chat}/send", {"content": "x"})
    assert at(by_event, "sender", "name") == at(by_request, "sender", "name") == "New"


async def test_chats_are_paged_the_latest_first(shop: Shop, autojump_clock: object) -> None:
    anna = await shop.visit("anna")
    chats = [await anna.create(f"user{number}") for number in range(5)]
    await trio.sleep(1)  # times are in milliseconds; a test may be faster
    await anna.send(chats[1], "latest")
    page = await anna.data("GET", "/my-chats?page=1&limit=2")
    assert at(page, "pagination") == {"currentPage": 1, "totalPages": 3, "totalChats": 5, "hasMore": True}
    assert at(page, "chats", 0, "_id") == chats[1]
    assert at(page, "chats", 0, "lastMessage", "content") == "latest"
    last = await anna.data("GET", "/my-chats?page=3&limit=2")
    assert at(last, "pagination", "hasMore") is False
    assert length(at(last, "chats")) == 1


async def test_messages_are_paged_from_the_newest_page_and_read_downwards(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    for number in range(5):
        await anna.send(chat, str(number))
    page = await anna.data("GET", f"/{chat}/messages?page=1&limit=2")
    assert [at(message, "content") for message in _items(at(page, "messages"))] == ["3", "4"]
    assert at(page, "pagination") == {"currentPage": 1, "totalPages": 3, "totalMessages": 5, "hasMore": True}
    page = await anna.data("GET", f"/{chat}/messages?page=3&limit=2")
    assert [at(message, "content") for message in _items(at(page, "messages"))] == ["0"]


@pytest.mark.parametrize("query", ["limit=0", "page=0", "limit=x", "page=-1"])
async def test_a_page_that_cannot_be_is_refused_in_the_shape_of_failures(shop: Shop, query: str) -> None:
    anna = await shop.visit("anna")
    answer = await anna.http("GET", f"/my-chats?{query}")
    assert answer.status == 400
    assert at(json_of(answer), "success") is False


async def test_a_limit_over_the_cap_gives_the_cap(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    for number in range(101):
        await shop.running.http("POST", f"/api/chat/{chat}/send", token=anna.token, body={"content": str(number)})
    page = await anna.data("GET", f"/{chat}/messages?limit=1000000")
    assert length(at(page, "messages")) == 100


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_paths_that_do_not_exist_fail_in_the_shape_of_failures(shop: Shop, method: str) -> None:
    anna = await shop.visit("anna")
    answer = await anna.http(method, "/nowhere/at/all")
    assert (answer.status, json_of(answer)) == (404, {"success": False, "message": "Not found"})


def _items(value: object) -> list[object]:
    assert isinstance(value, list)
    return value
