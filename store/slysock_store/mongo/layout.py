"""The collections, their indexes, and how a session reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database

from .documents import Document

Order: TypeAlias = list[tuple[str, int]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Collections:
    """Every collection of the backend."""

    users: Collection[Document]
    chats: Collection[Document]
    messages: Collection[Document]
    receipts: Collection[Document]
    notifications: Collection[Document]
    references: Collection[Document]
    schema: Collection[Document]
    servers: Collection[Document]


def collections_of(database: Database[Document]) -> Collections:
    """Return the collections of a database, whether they exist or not."""
    return Collections(
        users=database["users"],
        chats=database["chats"],
        messages=database["messages"],
        receipts=database["receipts"],
        notifications=database["notifications"],
        references=database["references"],
        schema=database["slysock"],
        servers=database["servers"],
    )


def _index(name: str, *fields: str, unique: bool = False) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], name=name, unique=unique)


def _partial(name: str, condition: Document, *fields: str, unique: bool = False) -> IndexModel:
    keys = [(field, ASCENDING) for field in fields]
    return IndexModel(keys, name=name, unique=unique, partialFilterExpression=condition)


# What a partial index holds; a query names the same condition, or it may not use the index.
IS_UNREAD: Document = {"read_at": None}
IS_UNDELIVERED: Document = {"delivered_at": None}
HAS_UNDELIVERED: Document = {"undelivered_to.0": {"$exists": True}}
HAS_RETRY_KEY: Document = {"retry_key": {"$exists": True}}

CHATS_WITH_UNDELIVERED = "chats_with_undelivered"

INDEXES: dict[str, Sequence[IndexModel]] = {
    "users": (
        _index("users_by_key", "system", "key", unique=True),
        _index("users_by_role", "system", "role", "key"),
    ),
    "chats": (
        _index("chats_by_key", "system", "key", unique=True),
        _index("chats_by_activity", "system", "active_at", "_id"),
        _index("chats_of_participant", "system", "participants", "active_at", "_id"),
        _partial(CHATS_WITH_UNDELIVERED, HAS_UNDELIVERED, "system", "undelivered_to", "active_at", "_id"),
    ),
    "messages": (
        _index("messages_by_sequence", "chat_id", "sequence", unique=True),
        _partial("messages_by_retry_key", HAS_RETRY_KEY, "retry_key", unique=True),
    ),
    "receipts": (_index("receipts_by_page", "chat_id", "user", "kind", "page", unique=True),),
    "notifications": (
        _index("notifications_of_user", "system", "user", "number", unique=True),
        _partial("notifications_unread", IS_UNREAD, "system", "user", "number"),
        _partial("notifications_undelivered", IS_UNDELIVERED, "system", "user", "number"),
    ),
    "references": (_index("references_by_key", "system", "kind", "key", unique=True),),
}
"""Collection -> its indexes besides `_id`. Every query of the backend is answered by one of them."""

BY_KEY: Order = [("key", ASCENDING)]
LATEST_CHATS: Order = [("active_at", DESCENDING), ("_id", DESCENDING)]
LATEST_MESSAGES: Order = [("sequence", DESCENDING)]
LATEST_NOTIFICATIONS: Order = [("number", DESCENDING)]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The collections as one session sees them: all as of one moment."""

    collections: Collections
    session: ClientSession

    def find_one(self, collection: Collection[Document], wanted: Document, *fields: str) -> Document | None:
        """Return the document that the filter finds, or only these fields of it."""
        return collection.find_one(wanted, list(fields) or None, session=self.session)

    def find(
        self,
        collection: Collection[Document],
        wanted: Document,
        *fields: str,
        order: Order | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> list[Document]:
        """Return the documents that the filter finds; a limit of 0 means no limit."""
        found = collection.find(wanted, list(fields) or None, sort=order, skip=skip, limit=limit, session=self.session)
        return found.to_list()

    def stream(
        self, collection: Collection[Document], wanted: Document, *, order: Order, index: str
    ) -> Iterator[Document]:
        """Yield the documents that the filter finds by this index, read as they are needed."""
        with collection.find(wanted, sort=order, hint=index, session=self.session) as found:
            yield from found

    def count(self, collection: Collection[Document], wanted: Document) -> int:
        """Count the documents that the filter finds."""
        return collection.count_documents(wanted, session=self.session)
