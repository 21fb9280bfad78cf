"""Records come back from documents as they went in."""

import pytest

from slysock_store import (
    BadValue,
    ChatId,
    JsonObject,
    NewMessage,
    NewNotification,
    UserKey,
)
from slysock_store.mongo.records import retry_key
from slysock_store.testing.harness import ANNA, SYSTEM, between, send
from tests.store.mongo_parts import open_parts

pytestmark = pytest.mark.port


async def test_names_with_dollars_dots_and_nul_come_back(mongo_url: str) -> None:
    data: JsonObject = {
        "$gt": "",
        "a.b": {"$set": [{"$where": 1}]},
        "": 0,
        "\x00": "\x00",
        "$ref": "c",
        "$id": "i",
        "n": 2**63,
    }
    async with open_parts(mongo_url) as parts:
        store = parts.store
        await store.put_reference(SYSTEM, kind="k", key="$key.with.dots", data=data)
        reference = await store.get_reference(SYSTEM, kind="k", key="$key.with.dots")
        assert reference is not None
        assert reference.data == data
        user = await store.upsert_user(SYSTEM, UserKey("$where"), role="$role", profile=data)
        assert await store.get_user(SYSTEM, UserKey("$where")) == user
        assert user.profile == data
        message = NewMessage(sender=UserKey("$sender.a"), attachments=(data,), extra=data, client_message_id="$c")
        added = await store.add_message(SYSTEM, between(ANNA, UserKey("$sender.a")), message)
        await store.mark_read(SYSTEM, added.chat.id, UserKey("$reader.b"))
        found = await store.get_message(SYSTEM, added.message.id)
        assert found is not None
        assert (found.attachments, found.extra, found.read_by) == ((data,), data, ("$reader.b",))


async def test_a_notification_comes_back(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        new = NewNotification(user=ANNA, kind="k", content={"$a.b": [1, None]}, channel="SMS", priority=3, status="NEW")
        made = await parts.store.add_notification(SYSTEM, new)
        assert (await parts.store.list_notifications(SYSTEM, ANNA)).items == (made,)
        assert (made.content, made.channel, made.priority, made.status) == (new.content, "SMS", 3, "NEW")


async def test_a_message_without_a_client_message_id_is_no_retry(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        first, second = await send(parts.store, ANNA, ANNA)
        found = [document.get("retry_key", "none") for document in parts.connection.collections.messages.find()]
        assert (first.id != second.id, found) == (True, ["none", "none"])


def test_a_retry_key_is_unambiguous() -> None:
    chat = ChatId("c")
    assert retry_key(chat, UserKey("a:1"), "2") != retry_key(chat, UserKey("a"), "1:2")
    with pytest.raises(BadValue):
        retry_key(chat, ANNA, "\ud800")
