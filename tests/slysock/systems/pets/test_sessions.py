"""Coming and going in the root namespace, which others share."""

import pytest

from slysock import ConnectionRefused, Router
from slysock.identity import make_token
from slysock.systems.pets import pets
from slysock.systems.pets.rooms import chat_room, personal_room
from slysock_store import ChatId, UserKey
from tests.slysock.systems.market import at, settle, token_for
from tests.slysock.systems.pets.shop import Shop, names, open_shop
from tests.slysock.systems.running import json_of, open_systems

FORGED = make_token("another secret, also of more than 32 bytes", {"id": 1}, now=0, expires_in_seconds=1e12)


@pytest.mark.parametrize("auth", [{}, {"token": ""}, {"token": "nonsense"}, {"token": FORGED}, {"token": {"$gt": ""}}])
async def test_whoever_has_no_usable_token_is_refused_in_the_words_that_clients_compare(
    shop: Shop, auth: dict[str, object]
) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        await shop.running.memory.connect("/", auth=auth)
    assert refused.value.message == "Authentication error"


async def test_an_expired_token_is_refused_and_a_fresh_one_is_not(shop: Shop) -> None:
    with pytest.raises(ConnectionRefused, match="Authentication error"):
        await shop.running.memory.connect("/", auth={"token": token_for("anna", "user", expires_in=-1)})
    await shop.running.memory.connect("/", auth={"token": token_for("anna", "user")})


@pytest.mark.parametrize("place", ["auth", "bearer", "header", "query", "cookie"])
async def test_a_token_counts_wherever_it_may_be(shop: Shop, place: str) -> None:
    token = token_for("anna", "user")
    options: dict[str, dict[str, object]] = {
        "auth": {"auth": {"token": token}},
        "bearer": {"auth": {"token": f"Bearer {token}"}},
        "header": {"headers": [("authorization", f"Bearer {token}")]},
        "query": {"query": {"token": token}},
        "cookie": {"headers": [("cookie", f"token={token}")]},
    }
    client = await shop.running.memory.connect("/", **options[place])  # type: ignore[arg-type]  # one table for all
    assert await client.call("online") == {"success": True}


async def test_a_live_socket_whose_token_expires_is_told_and_goes(shop: Shop, autojump_clock: object) -> None:
    token = token_for("anna", "user", expires_in=30)
    client = await shop.running.memory.connect("/", auth={"token": token})
    (error,) = await client.expect("error")
    assert at(error, "message") == "Authentication token has expired"
    assert await client.wait_disconnected() == "io server disconnect"


async def test_a_user_is_online_from_the_event_until_the_last_socket_that_sent_it_goes(shop: Shop) -> None:
    service = token_for("backend", "service")

    async def presence() -> tuple[object, object]:
        answer = json_of(await shop.running.http("GET", "/manage/pets/presence/anna", token=service))
        return at(answer, "isOnline"), at(answer, "sockets")

    anna, again = await shop.visit("anna"), await shop.visit("anna")
    assert await presence() == (False, 2)
    for person in (anna, again, again):
        assert await person.socket.call("online") == {"success": True}
    assert await presence() == (True, 2)
    await anna.socket.disconnect()
    await settle()
    assert await presence() == (True, 1)
    await again.socket.disconnect()
    await settle()
    assert await presence() == (False, 0)


async def test_a_socket_is_in_its_users_room_and_in_those_of_their_chats(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    ben = await shop.visit("ben")
    namespace = shop.running.memory.server.of("/")
    for room in (personal_room(UserKey("ben")), chat_room(ChatId(chat))):
        assert [socket.id for socket in namespace.to(room).sockets()] == [ben.socket.id]
    assert await anna.socket.call("join-chat", {"chatId": chat}) == {"success": True}
    assert len(namespace.to(chat_room(ChatId(chat))).sockets()) == 2


async def test_the_claims_of_a_token_refresh_the_profile(shop: Shop) -> None:
    anna = await shop.visit("anna", profilePicture="/old.jpg")
    chat = await anna.create("ben")
    newer = await shop.visit("anna", name="Anna A.", profilePicture="/new.jpg", email="anna@pets.example")
    stored = await newer.socket.call("sendMessage", {"chatId": chat, "content": "x"})
    assert at(stored, "sender") == {"_id": "anna", "name": "Anna A.", "profilePicture": "/new.jpg"}
    listed = at(await anna.data("GET", "/my-chats"), "chats", 0, "participants", 0)
    assert listed == {
        "_id": "anna",
        "name": "Anna A.",
        "email": "anna@pets.example",
        "profilePicture": "/new.jpg",
    }


async def test_one_who_was_let_in_without_a_token_is_nobody_here(shop: Shop) -> None:
    async with open_shop(shop.media / "other", trust=True) as trusting:
        client = await trusting.running.memory.connect("/")
        assert await client.call("online") == {"success": False, "message": "You are not connected"}
        assert await client.expect("error") == ({"message": "You are not connected"},)


async def test_services_and_pets_live_in_one_namespace_and_join_chat_goes_by_its_payload(shop: Shop) -> None:
    services = pytest.importorskip("slysock.systems.services").services
    async with open_shop(shop.media / "other", services) as both:
        backend = token_for("backend", "service")
        body = {"clientId": "anna", "providerId": "ben"}
        answer = await both.running.http("PUT", "/manage/services/chats/s1", token=backend, body=body)
        assert answer.status == 200
        anna, ben = await both.visit("anna", "client"), await both.visit("ben", "provider")
        chat = await anna.create("ben")
        assert await anna.socket.call("join-chat", {"chatId": chat}) == {"success": True}
        joined = await anna.socket.call("join-chat", "s1")
        assert at(joined, "success") is True
        assert at(await anna.socket.call("join-chat", chat), "code") == 404
        await anna.drain()
        await anna.socket.call("send-message", {"chatId": "s1", "content": "a", "messageType": "text"})
        assert "newMessage" not in names(await ben.drain())
        await anna.drain()
        await anna.send(chat, "b")
        assert names(await ben.drain()) == ["newMessage"]
        assert names(await anna.drain()) == ["newMessage"]


async def test_a_stray_handler_for_the_same_payload_is_refused_at_start_up() -> None:
    from slysock.systems.foundation import Foundation
    from slysock.systems.system import System

    def rival(foundation: Foundation) -> System:
        router = Router("/")

        @router.on("join-chat")
        def join_chat(socket: object, payload: dict[str, object]) -> None: ...

        return System(name="rival", routers=(router,), run=pets(foundation).run)

    with pytest.RaisesGroup(ValueError, flatten_subgroups=True):
        async with open_systems(pets, rival):
            pass
