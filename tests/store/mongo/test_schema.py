"""A database comes to the present version and its indexes from any earlier state, once, whoever opens it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pymongo
import pytest
import trio

from slysock_store import SchemaTooNew, open_store
from slysock_store.mongo.layout import INDEXES
from slysock_store.mongo.schema import MIGRATIONS
from slysock_store.testing.harness import ANNA, SYSTEM
from tests.store.opening import fails

pytestmark = pytest.mark.port


@contextmanager
def database_of(url: str) -> Iterator["pymongo.database.Database[dict[str, object]]"]:
    with pymongo.MongoClient[dict[str, object]](url) as client:
        yield client.get_default_database()


async def test_another_programs_database_is_refused_and_untouched(new_mongo_url: str) -> None:
    with database_of(new_mongo_url) as database:
        database["users"].insert_one({"name": "theirs"})
        assert "another program" in str(await fails(new_mongo_url))
        assert database.list_collection_names() == ["users"]


async def test_a_newer_schema_is_refused_and_untouched(new_mongo_url: str) -> None:
    with database_of(new_mongo_url) as database:
        database["slysock"].insert_one({"_id": "schema", "version": 99})
        error = await fails(new_mongo_url)
        assert isinstance(error, SchemaTooNew)
        assert (error.found, error.supported) == (99, len(MIGRATIONS))
        assert "schema version 99" in str(error)
        assert database.list_collection_names() == ["slysock"]


async def test_an_opening_that_was_cut_short_is_finished_by_the_next(new_mongo_url: str) -> None:
    with database_of(new_mongo_url) as database:
        database["slysock"].insert_one({"_id": "schema", "version": 0})
        async with open_store(new_mongo_url) as store:
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        found = database["slysock"].find_one({}, {"_id": 0, "version": 1, "finished": 1})
        assert found == {"version": len(MIGRATIONS), "finished": len(MIGRATIONS)}


def index_names(database: "pymongo.database.Database[dict[str, object]]") -> dict[str, set[str]]:
    return {name: set(database[name].index_information()) - {"_id_"} for name in INDEXES}


async def test_every_index_is_made_at_start_and_making_it_twice_changes_nothing(new_mongo_url: str) -> None:
    wanted = {name: {str(index.document["name"]) for index in indexes} for name, indexes in INDEXES.items()}
    with database_of(new_mongo_url) as database:
        for _ in range(2):
            async with open_store(new_mongo_url):
                assert index_names(database) == wanted
        database["messages"].drop_index("messages_by_retry_key")
        async with open_store(new_mongo_url):
            assert index_names(database) == wanted


async def test_processes_that_open_an_empty_database_at_once_all_succeed(new_mongo_url: str) -> None:
    opened = 0

    async def open_one() -> None:
        nonlocal opened
        async with open_store(new_mongo_url):
            opened += 1

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(open_one)
    assert opened == 6


async def test_a_version_that_is_none_is_told(new_mongo_url: str) -> None:
    with database_of(new_mongo_url) as database:
        database["slysock"].insert_one({"_id": "schema", "version": "one"})
        assert "does not say its schema version" in str(await fails(new_mongo_url))
