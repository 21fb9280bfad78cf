"""A database comes to a version from any earlier one, once, and not while a server works on it that cannot read it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

import pytest

from slysock_store import SchemaTooNew, StoreError, StoreUnavailable, formats, open_store
from slysock_store.formats import SILENT_SECONDS, Format, Heartbeat
from slysock_store.mongo.connection import Connection, connect, parse
from slysock_store.mongo.documents import Document
from slysock_store.mongo.ledger import MongoLedger
from slysock_store.mongo.schema import MIGRATIONS, Migration, prepare
from slysock_store.testing.harness import ANNA, SYSTEM
from tests.store.mongo_parts import failing
from tests.store.mongod import Mongod
from tests.store.opening import write_on

pytestmark = pytest.mark.port


def mark(name: str) -> Migration:
    def migration(connection: Connection) -> None:
        connection.collections.schema.update_one({"_id": name}, {"$inc": {"times": 1}}, upsert=True)

    return migration


FIRST, SECOND = mark("a"), mark("b")


class MakeLedger(Protocol):
    """Makes the ledger of a server that knows these migrations."""

    def __call__(self, *migrations: Migration) -> MongoLedger: ...


@contextmanager
def opened(url: str) -> Generator[tuple[Connection, MakeLedger]]:
    connection = connect(parse(url))

    def make(*migrations: Migration) -> MongoLedger:
        return MongoLedger(connection, migrations)

    try:
        yield connection, make
    finally:
        connection.close()


def found(*, writes: int, finished: int, may_convert: bool = True) -> Format:
    return Format(writes=writes, finished=finished, may_convert=may_convert)


def marks(connection: Connection) -> dict[object, object]:
    schema: list[Document] = connection.collections.schema.find({"times": {"$exists": True}}).to_list()
    return {mark["_id"]: mark["times"] for mark in schema}


def test_a_new_database_has_nothing_to_convert(new_mongo_url: str) -> None:
    with opened(new_mongo_url) as (connection, ledger):
        prepare(connection, (FIRST, SECOND))
        assert Heartbeat(ledger(FIRST, SECOND)).beat() == found(writes=2, finished=2)
        assert marks(connection) == {}


def test_a_newer_server_writes_the_older_format_until_no_older_one_beats(new_mongo_url: str) -> None:
    with opened(new_mongo_url) as (connection, ledger):
        prepare(connection, (FIRST,))
        older, newer, another = ledger(FIRST), ledger(FIRST, SECOND), ledger(FIRST, SECOND)
        assert older.beat() == newer.beat() == another.beat() == found(writes=1, finished=1)
        older.leave()
        # Claimed; but the other newer one goes on writing the older format until it beats.
        assert newer.beat() == found(writes=2, finished=1, may_convert=False)
        assert another.beat() == found(writes=2, finished=1)
        with pytest.raises(SchemaTooNew):
            older.beat()
        for _ in range(2):
            newer.convert()
        assert another.beat() == found(writes=2, finished=2)
        assert marks(connection) == {"b": 1}


def test_a_server_that_is_silent_for_long_is_gone(new_mongo_url: str) -> None:
    with opened(new_mongo_url) as (connection, ledger):
        prepare(connection, (FIRST,))
        ledger(FIRST).beat()
        for seconds, writes in ((SILENT_SECONDS - 10, 1), (SILENT_SECONDS + 10, 2)):
            beaten: Document = {"beat_at": {"$subtract": ["$$NOW", int(seconds * 1000)]}}
            connection.collections.servers.update_many({"knows": 1}, [{"$set": beaten}])
            assert ledger(FIRST, SECOND).beat().writes == writes


def test_an_entry_that_is_none_is_told(new_mongo_url: str) -> None:
    with opened(new_mongo_url) as (connection, ledger):
        prepare(connection, (FIRST,))
        connection.collections.schema.update_one({"_id": "schema"}, {"$set": {"finished": "one"}})
        with pytest.raises(StoreError, match="no number in finished"):
            ledger(FIRST).beat()


def test_a_beat_that_fails_is_told_and_leaving_says_nothing(new_mongo_url: str, mongod: Mongod) -> None:
    with opened(new_mongo_url) as (connection, ledger):
        prepare(connection, (FIRST,))
        with failing(mongod, {"errorCode": 13}, "findAndModify", "delete"):
            with pytest.raises(StoreUnavailable):
                ledger(FIRST).beat()
            ledger(FIRST).leave()


async def test_a_server_beats_while_it_is_open(new_mongo_url: str) -> None:
    with opened(new_mongo_url) as (connection, _):
        async with open_store(new_mongo_url) as store:
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
            assert connection.collections.servers.count_documents({}) == 1
        assert connection.collections.servers.count_documents({}) == 0


async def test_a_store_that_was_left_behind_writes_nothing_more(
    new_mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stopped for so long that it counted as gone, and a newer server has taken the database over."""
    monkeypatch.setattr(formats, "BEAT_SECONDS", 0.01)
    with opened(new_mongo_url) as (connection, ledger):
        async with open_store(new_mongo_url) as store:
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
            connection.collections.schema.update_one({"_id": "schema"}, {"$set": {"version": len(MIGRATIONS) + 1}})
            with pytest.raises(StoreUnavailable, match="schema version 3"):
                await write_on(store)
        with pytest.raises(SchemaTooNew):
            ledger(*MIGRATIONS).beat()
