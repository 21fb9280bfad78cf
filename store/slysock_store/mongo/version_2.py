"""The conversion of receipts from version 1, an array in each message, to what version 2 keeps.

Chats are converted one by one; a chat that is has a field that others lack, so an interrupted conversion goes on, and
several processes may convert at once. The arrays stay in old messages, where nothing reads them, until such a message
is changed: to rewrite all would take minutes for nothing but room.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import msgspec
from pymongo import ASCENDING, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from slysock_store.models import ChatId, UserKey
from slysock_store.progress import Kind, Progress, Tally

from .connection import DURABLE, Connection
from .documents import Document, MemberDocument, decode, encode
from .filters import one_of, where
from .layout import Collections, Order
from .pages import Owner, page_document

CHATS_AT_ONCE: Final = 500
"""Chats that are written with one command, which waits for the disks of a majority."""

IS_OLD: Final[Document] = {"undelivered_to": {"$exists": False}}
HAS_UNREAD: Final[Document] = {"unread_by.0": {"$exists": True}}
LATEST_LAST: Final[Order] = [("sequence", ASCENDING)]
OLD_INDEXES: Final = ("messages_unread", "messages_undelivered")


class OldMember(msgspec.Struct, frozen=True, kw_only=True):
    """One of `members` in a chat of version 1."""

    user: str
    is_participant: bool
    unread: int
    has_blocked: bool


class OldChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat of version 1, as far as it changes."""

    id: str = msgspec.field(name="_id")
    members: tuple[OldMember, ...]
    last_sequence: int
    message_count: int


class OldReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """One of `receipts` in a message of version 1."""

    user: str
    delivered_at: object
    read_at: object


class OldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of version 1, as far as it matters."""

    sequence: int
    receipts: tuple[OldReceipt, ...]


def convert(connection: Connection) -> None:
    """Convert all chats that are left, and drop the indexes of version 1. See `Migration.convert`."""
    collections = connection.collections
    converted: list[UpdateOne] = []
    fields = ["members", "last_sequence", "message_count"]
    for found in collections.chats.find(IS_OLD, fields):
        chat = decode(found, OldChat)
        _convert_deleted(collections, chat)
        tallies = _tallies(collections, chat)
        update = UpdateOne({**where(_id=chat.id), **IS_OLD}, {"$set": _new_fields(chat, tallies)})
        if any(tally.pages for pair in tallies.values() for tally in pair):
            _convert_with_pages(connection, chat, tallies, update)
        else:
            converted.append(update)
        if len(converted) == CHATS_AT_ONCE:
            collections.chats.bulk_write(converted, ordered=False)
            converted = []
    if converted:
        collections.chats.bulk_write(converted, ordered=False)
    for name in OLD_INDEXES:
        with suppress(OperationFailure):  # another process has dropped it
            collections.messages.drop_index(name)


def _convert_deleted(collections: Collections, chat: OldChat) -> None:
    """Let the deleted messages of a chat keep who had read them."""
    if chat.message_count == chat.last_sequence:
        return
    read = {"$filter": {"input": "$receipts", "cond": {"$ne": ["$$this.read_at", None]}}}
    readers = {"$map": {"input": read, "in": "$$this.user"}}
    deleted: Document = {**where(chat_id=chat.id), "is_deleted": True, "read_by": {"$exists": False}}
    collections.messages.update_many(deleted, [{"$set": {"read_by": readers}}])


def _tallies(collections: Collections, chat: OldChat) -> dict[str, tuple[Tally, Tally]]:
    """Return what was delivered to, and read by, each of those who have not read everything."""
    tallies = {member.user: (Tally(), Tally()) for member in chat.members if member.unread}
    for message in _messages_from_first_unread(collections, chat, list(tallies)):
        for receipt in message.receipts:
            if receipt.user in tallies:
                delivered, read = tallies[receipt.user]
                delivered.add(message.sequence, marked=receipt.delivered_at is not None)
                read.add(message.sequence, marked=receipt.read_at is not None)
    return tallies


def _messages_from_first_unread(collections: Collections, chat: OldChat, behind: list[str]) -> Iterator[OldMessage]:
    unread: Document = {**where(chat_id=chat.id), "unread_by": one_of(behind), **HAS_UNREAD}
    first = collections.messages.find_one(unread, ["sequence"], sort=LATEST_LAST) if behind else None
    if first is None:
        return
    wanted: Document = {**where(chat_id=chat.id), "is_deleted": False, "sequence": {"$gte": first["sequence"]}}
    fields = {"_id": 0, "sequence": 1, "receipts": 1}
    with collections.messages.find(wanted, fields, sort=LATEST_LAST) as found:
        for document in found:
            yield decode(document, OldMessage)


def _new_fields(chat: OldChat, tallies: dict[str, tuple[Tally, Tally]]) -> Document:
    members = [_new_member(member, tallies.get(member.user)) for member in chat.members]
    return {
        "members": [msgspec.to_builtins(member) for member in members],
        "undelivered_to": [member.user for member in members if member.delivered.waiting],
    }


def _new_member(old: OldMember, tallies: tuple[Tally, Tally] | None) -> MemberDocument:
    delivered, read = (Progress(), Progress()) if tallies is None else (tally.progress for tally in tallies)
    return MemberDocument(
        user=old.user, is_participant=old.is_participant, has_blocked=old.has_blocked, delivered=delivered, read=read
    )


def _convert_with_pages(
    connection: Connection, chat: OldChat, tallies: dict[str, tuple[Tally, Tally]], update: UpdateOne
) -> None:
    pages = [
        page_document((Owner(ChatId(chat.id), UserKey(user), kind), number), bits)
        for user, pair in tallies.items()
        for kind, tally in zip((Kind.DELIVERED, Kind.READ), pair, strict=True)
        for number, bits in tally.pages.items()
    ]

    def move(session: ClientSession) -> None:
        result = connection.collections.chats.bulk_write([update], session=session)
        if result.modified_count == 1:  # otherwise another process was faster
            plain = [dict(encode(page)) for page in pages]
            connection.collections.receipts.insert_many(plain, session=session)

    with connection.client.start_session() as session:
        session.with_transaction(move, write_concern=DURABLE)
