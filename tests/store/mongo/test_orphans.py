"""Transactions that a server has left behind do not keep the next one from its work."""

import logging

import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from slysock_store import open_store
from slysock_store.mongo.documents import Document
from slysock_store.mongo.orphans import APP_NAME, end_orphans
from slysock_store.testing.harness import ANNA, history, send

pytestmark = pytest.mark.port


def leave_behind(client: MongoClient[Document], database: str, collection: str) -> ClientSession:
    """Change every document and be gone, as a server that is killed before its commit."""
    session = client.start_session()
    session.start_transaction()
    client[database][collection].update_many({}, {"$set": {"touched": True}}, session=session)
    return session


@pytest.mark.parametrize("collection", ["chats", "slysock"])
async def test_what_a_killed_server_has_locked_is_free_in_seconds(
    new_mongo_url: str, caplog: pytest.LogCaptureFixture, collection: str
) -> None:
    async with open_store(new_mongo_url) as store:
        (before,) = await send(store, ANNA)
    client: MongoClient[Document] = MongoClient(new_mongo_url, appname=APP_NAME)
    session = leave_behind(client, client.get_default_database().name, collection)
    async with open_store(new_mongo_url) as store:
        (after,) = await send(store, ANNA, chat=before.chat_id)
        assert [message.id for message in await history(store, before.chat_id)] == [before.id, after.id]
    assert "ended 1 transactions that a server had left behind" in caplog.messages
    assert session.in_transaction
    client.close()


async def test_transactions_of_others_and_of_those_at_work_are_left_alone(
    new_mongo_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    others: MongoClient[Document] = MongoClient(new_mongo_url, appname="another program")
    ours: MongoClient[Document] = MongoClient(new_mongo_url, appname=APP_NAME)
    others["elsewhere"]["things"].insert_one({"_id": 1})
    with others.start_session() as session, session.start_transaction():
        others["elsewhere"]["things"].update_one({"_id": 1}, {"$set": {"seen": True}}, session=session)
        assert end_orphans(ours) == 0
    others.close()
    ours.close()
