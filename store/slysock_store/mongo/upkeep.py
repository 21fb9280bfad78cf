"""Inspecting a database, possibly while servers use it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from pymongo.errors import PyMongoError

from slysock_store.auditing import CountedChat, Findings, Inspection
from slysock_store.times import to_milliseconds

from .connection import Connection, connect, parse
from .documents import Document, decode
from .failures import mapped
from .filters import one_of
from .layout import Order, Snapshot
from .schema import refuse_unknown

CHATS_AT_ONCE: Final = 500
"""Chats that are compared with their messages in one snapshot: servers keep one for minutes only."""

BY_ID: Order = [("_id", 1)]


class CountedMessages(msgspec.Struct, frozen=True):
    """The messages of a chat, as the server counts them."""

    chat_id: str = msgspec.field(name="_id")
    messages: int
    kept: int
    first: int
    last: int
    newest_at: datetime


def inspect(url: str) -> Inspection:
    """Look for what does not agree. Each chat is seen as of one moment; damage is the server's own to find.

    Raises:
        BadStoreUrl: the URL names no database of ours.
        SchemaTooNew: a newer version wrote it.
        StoreUnavailable: it cannot be reached.
    """
    connection = connect(parse(url))
    findings = Findings()
    try:
        refuse_unknown(connection)
        for chat in _counted_chats(connection):
            findings.count(chat)
        findings.add(_strays(connection))
    except PyMongoError as error:
        raise mapped(error, connection.where) from error
    finally:
        connection.close()
    return findings.result()


class RecordedChat(msgspec.Struct, frozen=True, kw_only=True):
    """Those fields of a chat that are compared."""

    id: str = msgspec.field(name="_id")
    last_sequence: int
    message_count: int
    last_message_at: datetime | None
    active_at: datetime
    created_at: datetime


def _counted_chats(connection: Connection) -> Iterator[CountedChat]:
    after = ""
    while True:
        with connection.client.start_session(snapshot=True) as session:
            snapshot = Snapshot(collections=connection.collections, session=session)
            wanted: Document = {"_id": {"$gt": after}}
            found = snapshot.find(snapshot.collections.chats, wanted, order=BY_ID, limit=CHATS_AT_ONCE)
            chats = [decode(chat, RecordedChat) for chat in found]
            counted = _count_messages(snapshot, [chat.id for chat in chats])
        for chat in chats:
            yield _compared(chat, counted.get(chat.id))
        if len(chats) < CHATS_AT_ONCE:
            return
        after = chats[-1].id


def _count_messages(snapshot: Snapshot, chat_ids: Sequence[str]) -> Mapping[str, CountedMessages]:
    pipeline: list[Document] = [
        {"$match": {"chat_id": one_of(chat_ids)}},
        {"$sort": {"chat_id": 1, "sequence": 1}},
        {
            "$group": {
                "_id": "$chat_id",
                "messages": {"$sum": 1},
                "kept": {"$sum": {"$cond": ["$is_deleted", 0, 1]}},
                "first": {"$first": "$sequence"},
                "last": {"$last": "$sequence"},
                "newest_at": {"$last": "$created_at"},
            }
        },
    ]
    found = snapshot.collections.messages.aggregate(pipeline, session=snapshot.session, allowDiskUse=True)
    return {counted.chat_id: counted for counted in (decode(each, CountedMessages) for each in found)}


def _compared(chat: RecordedChat, counted: CountedMessages | None) -> CountedChat:
    return CountedChat(
        id=chat.id,
        last_sequence=chat.last_sequence,
        message_count=chat.message_count,
        last_message_at=None if chat.last_message_at is None else to_milliseconds(chat.last_message_at),
        active_at=to_milliseconds(chat.active_at),
        created_at=to_milliseconds(chat.created_at),
        messages=0 if counted is None else counted.messages,
        kept=0 if counted is None else counted.kept,
        first=None if counted is None else counted.first,
        last=None if counted is None else counted.last,
        newest_at=None if counted is None else to_milliseconds(counted.newest_at),
    )


def _strays(connection: Connection) -> Iterator[str]:
    """Yield the chats that messages name and that do not exist."""
    pipeline: list[Document] = [
        {"$group": {"_id": "$chat_id"}},
        {"$lookup": {"from": "chats", "localField": "_id", "foreignField": "_id", "as": "chats"}},
        {"$match": {"chats": []}},
    ]
    for stray in connection.collections.messages.aggregate(pipeline, allowDiskUse=True):
        yield f"messages belong to the chat {stray['_id']}, which does not exist"
