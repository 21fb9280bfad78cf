"""What holds whatever happens: one order, told once, and clear words while the store is unavailable."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from slysock.systems.pets import NAME
from slysock_store import ChatId
from tests.slysock.systems.market import at, settle
from tests.slysock.systems.pets.shop import Person, Shop, names, open_shop, shop_on
from tests.slysock.systems.pets.test_strangers import EVENTS, REQUESTS, filled
from tests.slysock.systems.running import json_of
from tests.store.sqlite_parts import open_parts

OUT_OF_ORDER = {"success": False, "message": "The chat is temporarily unavailable, try again later"}


async def send_many(person: Person, chat: str, position: int) -> None:
    """Send by event and by request in turn."""
    for number in range(6):
        content = f"{position}.{number}"
        if number % 2:
            assert (await person.http("POST", f"/{chat}/send", {"content": content})).status == 201
        else:
            await person.send(chat, content)


async def heard(person: Person, count: int) -> Sequence[object]:
    contents: list[object] = []
    while len(contents) < count:
        event = await person.socket.next()
        assert event.name == "newMessage"
        contents.append(at(event.args[0], "content"))
    return contents


@pytest.mark.port  # real stores, whose writers are threads
async def test_one_order_for_everybody_by_event_by_request_and_in_the_history(tmp_path: Path, durable_url: str) -> None:
    async with open_shop(tmp_path / "media", url=durable_url) as shop:
        people = [await shop.visit(user) for user in ("anna", "ben") * 3]
        chat = await people[0].create("ben")
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                for position, person in enumerate(people):
                    nursery.start_soon(send_many, person, chat, position)
            orders = [await heard(person, 36) for person in people]
        page = at(await people[0].data("GET", f"/{chat}/messages"), "messages")
        assert isinstance(page, list)
        history = [at(message, "content") for message in page]
        assert all(order == history for order in orders)
        assert len(set(history)) == 36


@pytest.mark.port
async def test_everything_works_on_a_store_that_survives(tmp_path: Path, durable_url: str) -> None:
    async with open_shop(tmp_path / "media", url=durable_url) as shop:
        anna, ben = await shop.visit("anna"), await shop.visit("ben")
        chat = await anna.create("ben", petId="p1")
        message = await anna.send(chat, "\N{DOG FACE} हाँ")
        await ben.socket.call("reactMessage", {"messageId": message, "emoji": "\N{DOG FACE}"})
        await anna.socket.call("editMessage", {"messageId": message, "content": "edited"})
        media = str(at(json_of(await anna.upload(chat)), "data", "mediaUrl"))
        assert await ben.data("PUT", f"/{chat}/mark-read") == {"chatId": chat, "count": 2}
        await ben.data("PUT", f"/{chat}/toggle-block")
    async with open_shop(tmp_path / "media", url=durable_url) as shop:
        anna = await shop.visit("anna")
        listed = at(await anna.data("GET", "/my-chats"), "chats", 0)
        assert (at(listed, "_id"), at(listed, "blockedBy"), at(listed, "petListing", "_id")) == (chat, ["ben"], "p1")
        first = at(await anna.data("GET", f"/{chat}/messages"), "messages", 0)
        assert (at(first, "content"), at(first, "status"), at(first, "isEdited")) == ("edited", "read", True)
        assert at(first, "reactions") == [{"reactor": "ben", "emoji": "\N{DOG FACE}"}]
        assert (await anna.raw("GET", f"/media/{media}")).status == 200


@pytest.mark.port
async def test_what_is_stored_is_told_even_if_its_sender_leaves_at_once(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "media", url=f"sqlite:///{tmp_path}/chat.db") as shop:
        ben = await shop.visit("ben")
        chat = await ben.create("anna")
        for attempt in range(20):
            anna = await shop.visit("anna")
            await anna.socket.call("join-chat", {"chatId": chat})
            await anna.socket.emit("sendMessage", {"chatId": chat, "content": f"{attempt}"})
            for _ in range(10 * attempt):  # so that the server is found at another point each time
                await trio.lowlevel.checkpoint()
            await anna.socket.connection.engine.drop()
        await ben.send(chat, "last")  # behind whatever was still being stored: a chat has one order
        stored_contents = await stored(shop, chat)
        told: list[object] = []
        with trio.fail_after(60):
            while len(told) < len(stored_contents):
                event = await ben.socket.next()
                if event.name == "newMessage":
                    told.append(at(event.args[0], "content"))
        assert told == stored_contents
        assert told[-1] == "last"


async def stored(shop: Shop, chat: str) -> list[object]:
    page = await shop.running.store.list_messages(NAME, ChatId(chat), limit=100)
    return [message.text for message in reversed(page.items)]


@pytest.mark.port
async def test_a_store_that_cannot_write_leaves_nothing_half_done_and_service_resumes(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(tmp_path / "chat.db"))
        shop = await stack.enter_async_context(shop_on(parts.store, tmp_path / "media"))
        anna, ben = await shop.visit("anna"), await shop.visit("ben")
        chat = await anna.create("ben")
        message = await ben.send(chat)
        for person in (anna, ben):
            await person.socket.call("typing", {"chatId": chat, "isTyping": False})
        await settle()
        anna.socket.waiting()
        ben.socket.waiting()
        parts.run("PRAGMA query_only = ON")
        reading = ("typing", "editMessage", "join-chat")  # the first of them, or nothing that fails before a write
        writing = {event: payload for event, payload in EVENTS.items() if event not in reading}
        for event, payload in writing.items():
            assert await anna.socket.call(event, filled(payload, chat, message, "")) == OUT_OF_ORDER, event
        for method, path, body in REQUESTS:
            if method in ("POST", "PUT"):
                answer = await anna.http(method, str(filled(path, chat, message, "")), body)
                assert (answer.status, json_of(answer)) == (503, OUT_OF_ORDER), path
        uploaded = await anna.upload(chat)
        assert (uploaded.status, json_of(uploaded)) == (503, OUT_OF_ORDER)
        assert shop.files() == []
        assert set(names(await anna.drain())) == {"error"}
        assert await ben.drain() == []
        parts.run("PRAGMA query_only = OFF")
        for event, payload in writing.items():
            assert await anna.socket.call(event, filled(payload, chat, message, "")) != OUT_OF_ORDER, event
        assert (await anna.upload(chat)).status == 201
        await settle()
        assert "newMessage" in names(await ben.drain())


async def test_a_socket_misses_nothing_while_the_store_is_asked_about_its_user(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(tmp_path / "chat.db"))
        shop = await stack.enter_async_context(shop_on(parts.store, tmp_path / "media"))
        ben = await shop.visit("ben")
        chat = await ben.create("anna")
        parts.run("PRAGMA query_only = ON")  # anna cannot be signed in, as she is not yet while it takes its time
        anna = await shop.visit("anna")
        await ben.socket.call("typing", {"chatId": chat, "isTyping": True})
        with trio.fail_after(10):
            assert {(await anna.socket.next()).name for _ in range(2)} == {"error", "typing"}


async def test_a_socket_that_came_while_the_store_was_away_is_taken_in_by_its_next_event(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(tmp_path / "chat.db"))
        shop = await stack.enter_async_context(shop_on(parts.store, tmp_path / "media"))
        ben = await shop.visit("ben")
        parts.run("PRAGMA query_only = ON")
        anna = await shop.visit("anna")
        assert names([await anna.socket.next()]) == ["error"]
        parts.run("PRAGMA query_only = OFF")
        assert await anna.socket.call("online") == {"success": True}
        chat = await ben.create("anna")
        await ben.send(chat)
        assert names([await anna.socket.next()]) == ["newMessage"]
