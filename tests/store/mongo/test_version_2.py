"""A database of version 1 is converted, chat by chat, and nothing that was delivered or read is lost or invented."""

import pymongo
import pytest
import trio

from slysock_store import open_store
from slysock_store.mongo import version_2
from slysock_store.mongo.connection import Connection, connect, parse
from slysock_store.mongo.documents import Document
from tests.store import converted
from tests.store.version_1 import make_mongo, some_chats

pytestmark = pytest.mark.port


async def test_a_database_is_taken_over(new_mongo_url: str) -> None:
    make_mongo(new_mongo_url, some_chats())
    async with open_store(new_mongo_url) as store:
        await converted.check(store, some_chats())
    with pymongo.MongoClient[Document](new_mongo_url) as client:
        database = client.get_default_database()
        assert not set(database["messages"].index_information()) & set(version_2.OLD_INDEXES)
        schema = database["slysock"].find_one({"_id": "schema"}, {"_id": 0, "version": 1, "finished": 1})
        assert schema == {"version": 2, "finished": 2}


async def test_a_conversion_that_is_cut_short_goes_on_with_what_is_left(
    new_mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mongo(new_mongo_url, some_chats())
    with monkeypatch.context() as patched:
        patched.setattr(version_2, "CHATS_AT_ONCE", 1)
        done = 0

        def cut_short(connection: Connection, *more: object) -> None:
            nonlocal done
            done += 1
            if done == 2:
                raise KeyboardInterrupt
            with_pages(connection, *more)  # type: ignore[arg-type]  # passed on as it comes

        with_pages = version_2._convert_with_pages
        patched.setattr(version_2, "_convert_with_pages", cut_short)
        connection = connect(parse(new_mongo_url))
        with pytest.raises(KeyboardInterrupt):
            version_2.convert(connection)
        left = connection.collections.chats.count_documents(version_2.IS_OLD)
        assert 0 < left < len(some_chats())
        connection.close()
    async with open_store(new_mongo_url) as store:
        await converted.check(store, some_chats())


async def test_several_servers_convert_at_once(new_mongo_url: str) -> None:
    make_mongo(new_mongo_url, some_chats())
    opened = 0
    everybody = trio.Event()

    async def open_one() -> None:
        nonlocal opened
        async with open_store(new_mongo_url):
            opened += 1
            if opened == 3:
                everybody.set()
            await everybody.wait()

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(open_one)
    async with open_store(new_mongo_url) as store:
        await converted.check(store, some_chats())
