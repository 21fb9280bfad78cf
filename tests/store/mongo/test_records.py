"""Records come back from documents as they went in."""

import pytest

from slysock_store import (
    JsonObject,
    NewMessage,
    UserKey,
)
from slysock_store.testing.harness import ANNA, SYSTEM, between
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
