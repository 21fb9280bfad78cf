"""mongodb:// URLs, servers and schema versions: what opens, what is refused, and how it is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo
import pytest
import trio
from pymongo.client_session import ClientSession

from slysock_store import BadStoreUrl, SchemaTooNew, StoreError, StoreUnavailable, open_store
from slysock_store.mongo.connection import connect, parse
from slysock_store.mongo.layout import INDEXES, Collections
from slysock_store.mongo.schema import MIGRATIONS, Migration, prepare
from slysock_store.testing.harness import ANNA, SYSTEM
from tests.store.mongod import SETTING, Mongod, NoMongod, find_mongod, free_port, running

pytestmark = pytest.mark.port


async def fails(url: str) -> StoreError:
    with trio.fail_after(30), pytest.raises(StoreError) as caught:
        async with open_store(url):
            pass
    assert "\n" not in str(caught.value)
    return caught.value


@contextmanager
def database_of(url: str) -> Iterator["pymongo.database.Database[dict[str, object]]"]:
    with pymongo.MongoClient[dict[str, object]](url) as client:
        yield client.get_default_database()


@pytest.mark.parametrize("url", ["mongodb://127.0.0.1", "mongodb://127.0.0.1/", "mongodb://127.0.0.1/?replicaSet=rs0"])
async def test_a_url_names_its_database(url: str) -> None:
    error = await fails(url)
    assert isinstance(error, BadStoreUrl)
    assert "names no database" in str(error)


@pytest.mark.parametrize("url", ["mongodb://", "mongodb://a:b:c/x", "mongodb://127.0.0.1:port/x", "mongodb:///x"])
async def test_what_is_no_url_is_refused(url: str) -> None:
    assert isinstance(await fails(url), BadStoreUrl)


@pytest.mark.parametrize("url", ["mongodb://me:pass/secret@host/x", "mongodb://me:sec@ret@host:1x/x"])
async def test_a_password_is_never_told(url: str) -> None:
    error: BaseException | None = await fails(url)
    while error is not None:
        assert "sec" not in str(error)
        assert "pass/" not in str(error)
        error = error.__cause__


async def test_a_server_that_is_not_there_is_told_within_seconds() -> None:
    error = await fails(f"mongodb://me:secret@127.0.0.1:{free_port()}/chat?replicaSet=rs0")
    assert isinstance(error, StoreUnavailable)
    assert "the database chat on 127.0.0.1" in str(error)
    assert "secret" not in str(error)


async def test_a_standalone_mongod_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with running(tmp_path, replica_set=None) as server:
        for url in (f"mongodb://{server.address}/chat", f"mongodb://{server.address}/chat?replicaSet=rs0"):
            error = await fails(url)
            assert isinstance(error, BadStoreUrl)
            assert "is a standalone mongod; transactions need a replica set" in str(error)
            assert "--replSet" in str(error)


async def test_a_replica_set_that_was_never_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with running(tmp_path, initiated=False) as server:
        error = await fails(server.url("chat"))
    assert isinstance(error, BadStoreUrl)
    assert "rs.initiate()" in str(error)


async def test_a_set_of_another_name_is_told(mongod: Mongod) -> None:
    assert "in the replica set rs0" in str(await fails(f"mongodb://{mongod.address}/chat?replicaSet=other"))


async def test_another_programs_database_is_refused_and_untouched(mongo_url: str) -> None:
    with database_of(mongo_url) as database:
        database["users"].insert_one({"name": "theirs"})
        assert "another program" in str(await fails(mongo_url))
        assert database.list_collection_names() == ["users"]


async def test_a_newer_schema_is_refused_and_untouched(mongo_url: str) -> None:
    with database_of(mongo_url) as database:
        database["slysock"].insert_one({"_id": "schema", "version": 99})
        error = await fails(mongo_url)
        assert isinstance(error, SchemaTooNew)
        assert (error.found, error.supported) == (99, len(MIGRATIONS))
        assert "schema version 99" in str(error)
        assert database.list_collection_names() == ["slysock"]


async def test_an_opening_that_was_cut_short_is_finished_by_the_next(mongo_url: str) -> None:
    with database_of(mongo_url) as database:
        database["slysock"].insert_one({"_id": "schema", "version": 0})
        async with open_store(mongo_url) as store:
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        assert database["slysock"].find_one() == {"_id": "schema", "version": len(MIGRATIONS)}


def index_names(database: "pymongo.database.Database[dict[str, object]]") -> dict[str, set[str]]:
    return {name: set(database[name].index_information()) - {"_id_"} for name in INDEXES}


async def test_every_index_is_made_at_start_and_making_it_twice_changes_nothing(mongo_url: str) -> None:
    wanted = {name: {str(index.document["name"]) for index in indexes} for name, indexes in INDEXES.items()}
    with database_of(mongo_url) as database:
        for _ in range(2):
            async with open_store(mongo_url):
                assert index_names(database) == wanted
        database["messages"].drop_index("messages_unread")
        async with open_store(mongo_url):
            assert index_names(database) == wanted


async def test_processes_that_open_an_empty_database_at_once_all_succeed(mongo_url: str) -> None:
    opened = 0

    async def open_one() -> None:
        nonlocal opened
        async with open_store(mongo_url):
            opened += 1

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(open_one)
    assert opened == 6


def mark(name: str) -> Migration:
    def migration(collections: Collections, session: ClientSession) -> None:
        collections.schema.insert_one({"_id": name}, session=session)

    return migration


def test_migrations_run_forward_once_each(mongo_url: str) -> None:
    connection = connect(parse(mongo_url))
    schema = connection.collections.schema
    prepare(connection, (mark("a"),))
    for _ in range(2):
        prepare(connection, (mark("a"), mark("b")))
    assert schema.find_one({"_id": "schema"}) == {"_id": "schema", "version": 2}
    assert schema.count_documents({}) == 3
    connection.close()


def test_a_failing_migration_changes_nothing(mongo_url: str) -> None:
    def broken(collections: Collections, session: ClientSession) -> None:
        mark("b")(collections, session)
        raise ZeroDivisionError

    connection = connect(parse(mongo_url))
    prepare(connection, (mark("a"),))
    with pytest.raises(ZeroDivisionError):
        prepare(connection, (mark("a"), broken))
    assert connection.collections.schema.find_one({"_id": "schema"}) == {"_id": "schema", "version": 1}
    assert connection.collections.schema.find_one({"_id": "b"}) is None
    connection.close()


def test_the_pool_is_what_the_url_says() -> None:
    assert parse("mongodb://127.0.0.1/chat").readers == 8
    assert parse("mongodb://127.0.0.1/chat?maxPoolSize=50").readers == 49
    assert parse("mongodb://127.0.0.1/chat?maxPoolSize=1").readers == 1


def test_a_missing_mongod_is_told_with_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tests.store.mongod.WHEEL", "no-such-distribution")
    with pytest.raises(NoMongod, match="pip install"):
        find_mongod()


def test_a_mongod_that_does_not_run_here_is_told_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "mongod"
    broken.write_text("#!/bin/sh\necho libssl.so.3: cannot open shared object file\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv(SETTING, str(broken))
    with pytest.raises(NoMongod, match=r"libssl\.so\.3: cannot open"), running(tmp_path):
        pass
