"""What does not agree in a MongoDB is named, and others' databases are refused."""

from collections.abc import Mapping

import pytest

from slysock_store import BadStoreUrl, SchemaTooNew, inspect_store, open_store
from slysock_store.mongo import upkeep
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, send
from tests.store.mongod import Mongod

pytestmark = pytest.mark.port


@pytest.mark.parametrize(
    ("collection", "wanted", "change", "problem"),
    [
        ("chats", {}, {"$inc": {"last_sequence": 1}}, "the last message is number 3, recorded is 4"),
        ("chats", {}, {"$inc": {"message_count": 1}}, "3 messages are not deleted, recorded are 4"),
        ("messages", {"sequence": 3}, {"$set": {"sequence": 9}}, "3 messages are numbered from 1 to 9, with gaps"),
        ("messages", {"sequence": 3}, {"$set": {"chat_id": "f" * 24}}, f"the chat {'f' * 24}, which does not exist"),
    ],
)
async def test_what_does_not_agree_is_named(
    mongo_url: str,
    mongod: Mongod,
    collection: str,
    wanted: Mapping[str, object],
    change: Mapping[str, object],
    problem: str,
) -> None:
    async with open_store(mongo_url) as store:
        await send(store, ANNA, BEN, ANNA)
    assert (await inspect_store(mongo_url)).problems == ()
    with mongod.direct_client() as client:
        client["test"][collection].update_one(wanted, change)
    found = (await inspect_store(mongo_url)).problems
    assert any(line.endswith(problem) for line in found), found


async def test_many_chats_are_compared_some_at_a_time(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "CHATS_AT_ONCE", 2)
    async with open_store(mongo_url) as store:
        for number in range(5):
            await send(store, *[ANNA] * number, chat=between(ANNA, BEN, key=str(number)))
        await store.ensure_chat(SYSTEM, between(ANNA, BEN, key="empty"))
    found = await inspect_store(mongo_url)
    assert (found.chats, found.messages, found.problems) == (5, 10, ())


async def test_a_database_that_is_not_ours_is_refused_and_untouched(new_mongo_url: str, mongod: Mongod) -> None:
    name = new_mongo_url.rpartition("/")[2].partition("?")[0]
    with pytest.raises(BadStoreUrl, match="is not one of slysock"):
        await inspect_store(new_mongo_url)
    with mongod.direct_client() as client:
        assert client[name].list_collection_names() == []
        client[name]["slysock"].insert_one({"_id": "schema", "version": 1000})
    with pytest.raises(SchemaTooNew):
        await inspect_store(new_mongo_url)
