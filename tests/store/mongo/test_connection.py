"""mongodb:// URLs, servers and schema versions: what opens, what is refused, and how it is said."""

from pathlib import Path

import pymongo
import pytest

from slysock_store import BadStoreUrl, StoreUnavailable
from slysock_store.mongo.connection import OPENING_SECONDS, SELECTION_SECONDS, connect, parse
from tests.store.mongod import Mongod, free_port, running
from tests.store.opening import fails

pytestmark = pytest.mark.port


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


def test_opening_fails_within_seconds() -> None:
    assert OPENING_SECONDS + SELECTION_SECONDS < 10


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let opening look for a primary as long as a server of this machine needs, so that tests do not wait for it."""
    monkeypatch.setattr("slysock_store.mongo.connection.OPENING_SECONDS", 0.5)
    monkeypatch.setattr("slysock_store.mongo.connection.SELECTION_SECONDS", 0.5)


async def test_a_server_that_is_not_there_is_told(hurried: None) -> None:
    error = await fails(f"mongodb://me:secret@127.0.0.1:{free_port()}/chat?replicaSet=rs0")
    assert isinstance(error, StoreUnavailable)
    assert "the database chat on 127.0.0.1" in str(error)
    assert "secret" not in str(error)


async def test_a_standalone_mongod_is_refused_with_what_to_do(tmp_path: Path, hurried: None) -> None:
    with running(tmp_path, replica_set=None) as server:
        for url in (f"mongodb://{server.address}/chat", f"mongodb://{server.address}/chat?replicaSet=rs0"):
            error = await fails(url)
            assert isinstance(error, BadStoreUrl)
            assert "is a standalone mongod; transactions need a replica set" in str(error)
            assert "--replSet" in str(error)


async def test_a_replica_set_that_was_never_made_is_refused_with_what_to_do(tmp_path: Path, hurried: None) -> None:
    with running(tmp_path, initiated=False) as server:
        error = await fails(server.url("chat"))
    assert isinstance(error, BadStoreUrl)
    assert "rs.initiate()" in str(error)


async def test_a_set_of_another_name_is_told(mongod: Mongod, hurried: None) -> None:
    assert "in the replica set rs0" in str(await fails(f"mongodb://{mongod.address}/chat?replicaSet=other"))


def test_the_pool_is_what_the_url_says() -> None:
    assert parse("mongodb://127.0.0.1/chat").readers == 8
    assert parse("mongodb://127.0.0.1/chat?maxPoolSize=50").readers == 49
    assert parse("mongodb://127.0.0.1/chat?maxPoolSize=1").readers == 1


def test_a_connection_is_durable_and_reads_from_the_primary(mongod: Mongod) -> None:
    connection = connect(parse(mongod.url("chat")))
    database = connection.collections.users.database
    assert (database.name, connection.where) == ("chat", f"the database chat on {mongod.address}")
    assert database.write_concern.document == {"w": "majority", "j": True}
    assert database.read_preference == pymongo.ReadPreference.PRIMARY
    connection.close()
    with pytest.raises(pymongo.errors.InvalidOperation):
        connection.client.admin.command("ping")


async def test_a_server_that_is_too_old_is_refused(mongod: Mongod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock_store.mongo.connection.WIRE_VERSION_5_0", 10_000)
    assert "is older than MongoDB 5.0" in str(await fails(mongod.url("chat")))


async def test_several_servers_that_are_not_there_are_told(hurried: None) -> None:
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"
    error = await fails(f"mongodb://{hosts}/chat?replicaSet=rs0")
    assert isinstance(error, StoreUnavailable)
    assert hosts.replace(",", ", ") in str(error)
