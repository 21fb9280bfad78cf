"""Databases as version 1 (commit 91e468e) left them: a receipt for each message and member. To be converted."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymongo

from slysock_store import ChatId, SystemName, UserKey
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.schema import APPLICATION_ID, VERSION_1

SYSTEM = SystemName("old")
ANNA, BEN, CARA = UserKey("CUSTOMER:1"), UserKey("VENDOR:1"), UserKey("ADMIN:1")
START = datetime(2025, 6, 24, 14, 46, 2, 473_000, UTC)

INSERT_CHAT = "INSERT INTO chats VALUES (?, ?, 'product', ?, '12345', 'open', '{}', ?, ?, ?, ?, ?, ?)"
INSERT_MEMBER = "INSERT INTO chat_members VALUES (?, ?, ?, ?, ?, 0, ?)"
INSERT_MESSAGE = """
    INSERT INTO messages VALUES (?, ?, ?, ?, NULL, 'text', 'hello', '[]', NULL, NULL, 0, '{}', '[]', 0, ?, ?, ?)
"""
OLD_INDEXES = (
    ("messages_unread", "unread_by", ("chat_id", "unread_by", "sequence")),
    ("messages_undelivered", "undelivered_to", ("system", "undelivered_to", "created_at", "chat_id", "sequence")),
)
INSERT_RECEIPT = "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class OldMessage:
    sender: UserKey
    delivered_to: frozenset[UserKey] = frozenset()
    read_by: frozenset[UserKey] = frozenset()
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class OldChat:
    """A chat and its messages; each has a receipt of every member but its sender, if deleted of its readers only."""

    number: int
    members: Sequence[UserKey]
    messages: Sequence[OldMessage]

    @property
    def id(self) -> ChatId:
        return ChatId(f"{self.number:024x}")

    @property
    def kept(self) -> int:
        return sum(not message.is_deleted for message in self.messages)

    def message_id(self, sequence: int) -> str:
        return f"{self.number:012x}{sequence:012x}"

    def at(self, sequence: int) -> datetime:
        return START + timedelta(milliseconds=10 * sequence + self.number)

    def unread(self, user: UserKey) -> int:
        return sum(user != m.sender and not m.is_deleted and user not in m.read_by for m in self.messages)

    def receipts(self, message: OldMessage) -> Iterator[tuple[UserKey, bool, bool]]:
        """Yield each user with a receipt, and whether it says delivered and read."""
        for user in sorted(self.members):
            is_read = user in message.read_by
            if user != message.sender and (is_read or not message.is_deleted):
                yield user, user in message.delivered_to, is_read


def some_chats() -> tuple[OldChat, ...]:
    """Chats of every kind: empty, read, behind, with gaps, with deleted messages, long enough for several pages."""
    chance = random.Random(1)

    def by_chance(count: int) -> list[OldMessage]:
        messages: list[OldMessage] = []
        for _ in range(count):
            sender = chance.choice((ANNA, BEN, CARA))
            others = {ANNA, BEN, CARA} - {sender}
            delivered = {user for user in sorted(others) if chance.random() < 0.7}
            read = {user for user in sorted(delivered) if chance.random() < 0.7}
            messages.append(OldMessage(sender, frozenset(delivered), frozenset(read), chance.random() < 0.1))
        return messages

    both = frozenset({BEN})
    read, delivered, waiting = OldMessage(ANNA, both, both), OldMessage(ANNA, both), OldMessage(ANNA)
    return (
        OldChat(1, (ANNA, BEN), ()),
        OldChat(2, (ANNA, BEN), (read, read, OldMessage(BEN, frozenset({ANNA}), frozenset({ANNA})))),
        OldChat(3, (ANNA, BEN), (read, delivered, delivered, waiting)),
        OldChat(4, (ANNA, BEN), (waiting, read, OldMessage(BEN), delivered, read, waiting)),
        OldChat(5, (ANNA, BEN, CARA), by_chance(200)),
        OldChat(7, (ANNA, BEN, CARA), (OldMessage(ANNA, frozenset({CARA}), frozenset({CARA})),) * 3),
        OldChat(6, (ANNA, BEN), [*(waiting,) * 3, *(read,) * 5_000, waiting]),
    )


def make_sqlite(path: Path, chats: Sequence[OldChat]) -> None:
    """Make a database file with these chats."""
    with closing(connect(str(path), "PRAGMA journal_mode = WAL")) as connection:
        connection.execute("BEGIN")
        for statement in VERSION_1:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for chat in chats:
            _insert(connection, chat)
        connection.execute("COMMIT")


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _insert(connection: sqlite3.Connection, chat: OldChat) -> None:
    last = len(chat.messages)
    at, last_at = _milliseconds(START), _milliseconds(chat.at(last)) if last else None
    row = (chat.id, SYSTEM, str(chat.number), last, chat.kept, last_at, at, at, last_at or at)
    connection.execute(INSERT_CHAT, row)
    members = [(chat.id, user, SYSTEM, n, 1, chat.unread(user)) for n, user in enumerate(chat.members)]
    connection.executemany(INSERT_MEMBER, members)
    for sequence, message in enumerate(chat.messages, 1):
        at = _milliseconds(chat.at(sequence))
        message_id, is_deleted = chat.message_id(sequence), int(message.is_deleted)
        connection.execute(INSERT_MESSAGE, (chat.id, sequence, message_id, message.sender, is_deleted, at, at))
        for user, is_delivered, is_read in chat.receipts(message):
            times = (at if is_delivered else None, at if is_read else None)
            connection.execute(INSERT_RECEIPT, (chat.id, sequence, user, SYSTEM, at, *times))


def make_mongo(url: str, chats: Sequence[OldChat]) -> None:
    """Make a database with these chats, and the two indexes that are gone since."""
    with pymongo.MongoClient[dict[str, object]](url) as client:
        database = client.get_default_database()
        database["slysock"].insert_one({"_id": "schema", "version": 1})
        messages = database["messages"]
        messages.create_index([("chat_id", 1), ("sequence", 1)], name="messages_by_sequence", unique=True)
        for name, field, keys in OLD_INDEXES:
            order = dict.fromkeys(keys, 1)
            messages.create_index(order, name=name, partialFilterExpression={f"{field}.0": {"$exists": True}})
        for chat in chats:
            database["chats"].insert_one(_chat_document(chat))
            documents = [_message_document(chat, n, message) for n, message in enumerate(chat.messages, 1)]
            if documents:
                messages.insert_many(documents)


def _chat_document(chat: OldChat) -> dict[str, object]:
    last = len(chat.messages)
    return {
        "_id": chat.id,
        "system": SYSTEM,
        "kind": "product",
        "key": str(chat.number),
        "reference": "12345",
        "status": "open",
        "extra": "{}",
        "members": [
            {"user": user, "is_participant": True, "unread": chat.unread(user), "has_blocked": False}
            for user in chat.members
        ],
        "participants": list(chat.members),
        "last_sequence": last,
        "message_count": chat.kept,
        "last_message_at": chat.at(last) if last else None,
        "created_at": START,
        "updated_at": START,
        "active_at": chat.at(last) if last else START,
    }


def _message_document(chat: OldChat, sequence: int, message: OldMessage) -> dict[str, object]:
    at = chat.at(sequence)
    receipts = list(chat.receipts(message))
    return {
        "_id": chat.message_id(sequence),
        "system": SYSTEM,
        "chat_id": chat.id,
        "sequence": sequence,
        "sender": message.sender,
        "recipient": None,
        "kind": "text",
        "text": "hello",
        "attachments": "[]",
        "reply_to": None,
        "client_message_id": None,
        "recipient_online": False,
        "extra": "{}",
        "reactions": [],
        "receipts": [
            {"user": user, "delivered_at": at if is_delivered else None, "read_at": at if is_read else None}
            for user, is_delivered, is_read in receipts
        ],
        "unread_by": [user for user, _, is_read in receipts if not is_read],
        "undelivered_to": [user for user, is_delivered, _ in receipts if not is_delivered],
        "is_edited": False,
        "is_deleted": message.is_deleted,
        "created_at": at,
        "updated_at": at,
    }
