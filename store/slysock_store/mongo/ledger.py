"""How a database comes to a version, and which servers use it: `slysock_store.formats` on MongoDB.

Every beat changes the document of the schema in its transaction, so of two servers that beat at once one comes after
the other, and sees it. Times are the database's own: the clocks of servers may differ.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar, final
from uuid import uuid4

import pymongo
from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from slysock_store.errors import StoreError
from slysock_store.formats import SILENT_SECONDS, Format

from .connection import DURABLE, Connection
from .documents import Document
from .failures import mapped
from .filters import where
from .orphans import end_orphans
from .schema import MIGRATIONS, SCHEMA, Migration, known_version

T = TypeVar("T")

BEAT_SECONDS_AT_MOST: Final = 4.0
"""How long a beat may take, with the search for a primary; writes wait meanwhile."""

SILENT: Final[Document] = {"$expr": {"$lt": ["$beat_at", {"$subtract": ["$$NOW", int(SILENT_SECONDS * 1000)]}]}}


@final
class MongoLedger:
    """One server's entry in a database. Uses a connection that it does not own."""

    def __init__(self, connection: Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
        self._connection = connection
        self._servers = connection.collections.servers
        self._schema = connection.collections.schema
        self._migrations = migrations
        self._id = uuid4().hex

    def beat(self) -> Format:
        """See `Ledger.beat`."""
        with self._told():
            try:
                return self._try_to_beat()
            except PyMongoError:
                if not end_orphans(self._connection.client):
                    raise
                return self._try_to_beat()

    def _try_to_beat(self) -> Format:
        with pymongo.timeout(BEAT_SECONDS_AT_MOST), self._connection.client.start_session() as session:
            return session.with_transaction(self._beat_within, write_concern=DURABLE)

    def _beat_within(self, session: ClientSession) -> Format:
        beaten: Document = {"$inc": {"beats": 1}}
        schema = self._schema.find_one_and_update(
            where(_id=SCHEMA), beaten, return_document=ReturnDocument.AFTER, session=session
        )
        version = known_version(self._connection, schema or {}, self._migrations)
        self._servers.delete_many({"_id": {"$ne": self._id}, **SILENT}, session=session)
        others = self._servers.find({"_id": {"$ne": self._id}}, session=session).to_list()
        knows = len(self._migrations)
        writes = max(version, min([knows, *(_number(other, "knows") for other in others)]))
        if writes > version:
            self._schema.update_one(where(_id=SCHEMA), {"$set": {"version": writes}}, session=session)
        entry: Document = {"knows": knows, "writes": writes, "beat_at": "$$NOW"}
        self._servers.update_one(where(_id=self._id), [{"$set": entry}], upsert=True, session=session)
        return Format(
            writes=writes,
            finished=_number(schema or {}, "finished"),
            may_convert=all(_number(other, "writes") >= writes for other in others),
        )

    def convert(self) -> None:
        """See `Ledger.convert`."""
        with self._told():
            found = self._schema.find_one(where(_id=SCHEMA)) or {}
            version, finished = _number(found, "version"), _number(found, "finished")
            for migration in self._migrations[finished:version]:
                migration(self._connection)
            self._schema.update_one(where(_id=SCHEMA), {"$max": {"finished": version}})

    def leave(self) -> None:
        """See `Ledger.leave`."""
        with suppress(PyMongoError), pymongo.timeout(BEAT_SECONDS_AT_MOST):
            self._servers.delete_one(where(_id=self._id))

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except PyMongoError as error:
            raise mapped(error, self._connection.where) from error


def _number(document: Document, name: str) -> int:
    value = document.get(name, 0)
    if not isinstance(value, int):
        raise StoreError(f"a stored document has no number in {name}")
    return value
