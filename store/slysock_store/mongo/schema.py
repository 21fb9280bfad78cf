"""The versions of the database's schema, and its indexes; `ledger` brings a database to a version.

The document `schema` of the collection `slysock` says that the database is ours, which version it has, and up to which
version everything in it is converted. Indexes (`layout.INDEXES`) belong to no version: MongoDB makes them outside of
transactions, and making one that exists does nothing, so they are made at every start.

A migration is never changed once released: a new version is a new entry of `MIGRATIONS`.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from pymongo.errors import DuplicateKeyError

from slysock_store.errors import BadStoreUrl, SchemaTooNew, StoreError

from . import version_2
from .connection import Connection
from .documents import Document
from .filters import where
from .layout import INDEXES, Collections

Migration: TypeAlias = Callable[[Connection], None]
"""Converts what was written in the version before. It goes on where an earlier call was cut short, several processes
may run it at once, and it does nothing once all is done."""

SCHEMA: Final = "schema"


def _start(_connection: Connection) -> None:
    """Version 1 is the first."""


MIGRATIONS: tuple[Migration, ...] = (_start, version_2.convert)
"""MIGRATIONS[n] takes a database from version n to n + 1."""

OLDEST: Final = 2
"""The oldest version that the queries of this package can work with."""


def prepare(connection: Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Make the database ours, if it is empty, and make its indexes; safe for several processes at once.

    Raises:
        SchemaTooNew: a newer version wrote it; it was not touched.
        BadStoreUrl: it holds another program's collections; it was not touched.
        PyMongoError: the database failed.
    """
    if connection.collections.schema.find_one(where(_id=SCHEMA)) is None:
        _refuse_foreign(connection)
        _claim(connection.collections, len(migrations))
    known_version(connection, connection.collections.schema.find_one(where(_id=SCHEMA)) or {}, migrations)
    for name, indexes in INDEXES.items():
        connection.collections.schema.database[name].create_indexes(list(indexes))


def refuse_unknown(connection: Connection) -> None:
    """Refuse a database that is not ours, or one of a newer version.

    Raises:
        SchemaTooNew, BadStoreUrl, PyMongoError: as `prepare`.
    """
    schema = connection.collections.schema.find_one(where(_id=SCHEMA))
    if schema is None:
        raise BadStoreUrl(f"{connection.where} is not one of slysock")
    known_version(connection, schema, MIGRATIONS)


def known_version(connection: Connection, schema: Document, migrations: tuple[Migration, ...]) -> int:
    """Return the version that the document says.

    Raises:
        SchemaTooNew: these migrations do not lead there.
        StoreError: it says none.
    """
    version = schema.get("version")
    if not isinstance(version, int):
        raise StoreError(f"{connection.where} does not say its schema version")
    if version > len(migrations):
        raise SchemaTooNew(where=connection.where, found=version, supported=len(migrations))
    return version


def _refuse_foreign(connection: Connection) -> None:
    schema = connection.collections.schema
    # Looked for again after the list: another process may be making the collections, and it makes this document first.
    if schema.database.list_collection_names() and schema.find_one(where(_id=SCHEMA)) is None:
        raise BadStoreUrl(f"{connection.where} holds collections of another program; name a database of its own")


def _claim(collections: Collections, version: int) -> None:
    """Make an empty database one of this version, in which there is nothing to convert."""
    try:
        collections.schema.insert_one({"_id": SCHEMA, "version": version, "finished": version})
    except DuplicateKeyError:
        return  # another process was faster
