"""The version of the database's schema, and how it is migrated to the newest.

The document `schema` of the collection `slysock` says that the database is ours and which version it has. A migration
changes data; it runs in a transaction that also moves the version, so it is done once and whole, whichever of several
processes does it. Indexes (`layout.INDEXES`) are not migrations: MongoDB makes them outside of transactions, and
making one that exists does nothing, so they are made at every start.

A migration is never changed once released: a new version is a new entry of `MIGRATIONS`.
"""

from collections.abc import Callable
from typing import TypeAlias

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from slysock_store.errors import BadStoreUrl, SchemaTooNew, StoreError

from .connection import DURABLE, Connection
from .filters import where
from .layout import INDEXES, Collections

Migration: TypeAlias = Callable[[Collections, ClientSession], None]

SCHEMA = "schema"


def _start(_collections: Collections, _session: ClientSession) -> None:
    """Start version 1, which is empty."""


MIGRATIONS: tuple[Migration, ...] = (_start,)
"""MIGRATIONS[n] takes a database from version n to n + 1."""


def prepare(connection: Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the database to the newest version and make its indexes; safe for several processes at once.

    Raises:
        SchemaTooNew: a newer version wrote it; it was not touched.
        BadStoreUrl: it holds another program's collections; it was not touched.
        PyMongoError: the database failed.
    """
    version = _version(connection)
    if version > len(migrations):
        raise SchemaTooNew(where=connection.where, found=version, supported=len(migrations))
    _make_indexes(connection.collections)
    for number in range(version, len(migrations)):
        _migrate(connection, number, migrations[number])


def refuse_unknown(connection: Connection) -> None:
    """Refuse a database that is not ours, or one of a newer version.

    Raises:
        SchemaTooNew, BadStoreUrl, PyMongoError: as `prepare`.
    """
    if connection.collections.schema.find_one(where(_id=SCHEMA)) is None:
        raise BadStoreUrl(f"{connection.where} is not one of slysock")
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise SchemaTooNew(where=connection.where, found=version, supported=len(MIGRATIONS))


def _version(connection: Connection) -> int:
    schema = connection.collections.schema
    if schema.find_one(where(_id=SCHEMA)) is None:
        _refuse_foreign(connection)
        _claim(connection.collections)
    found = schema.find_one(where(_id=SCHEMA)) or {}
    version = found.get("version")
    if not isinstance(version, int):
        raise StoreError(f"{connection.where} does not say its schema version")
    return version


def _refuse_foreign(connection: Connection) -> None:
    schema = connection.collections.schema
    # Looked for again after the list: another process may be making the collections, and it makes this document first.
    if schema.database.list_collection_names() and schema.find_one(where(_id=SCHEMA)) is None:
        raise BadStoreUrl(f"{connection.where} holds collections of another program; name a database of its own")


def _claim(collections: Collections) -> None:
    try:
        collections.schema.insert_one({"_id": SCHEMA, "version": 0})
    except DuplicateKeyError:
        return  # another process was faster


def _make_indexes(collections: Collections) -> None:
    for name, indexes in INDEXES.items():
        collections.schema.database[name].create_indexes(list(indexes))


def _migrate(connection: Connection, number: int, migration: Migration) -> None:
    def move(session: ClientSession) -> None:
        collections = connection.collections
        at_number = {**where(_id=SCHEMA), "version": number}
        moved = collections.schema.update_one(at_number, {"$set": {"version": number + 1}}, session=session)
        if moved.modified_count == 1:  # otherwise another process was faster
            migration(collections, session)

    with connection.client.start_session() as session:
        session.with_transaction(move, read_concern=ReadConcern("snapshot"), write_concern=DURABLE)
