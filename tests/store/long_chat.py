"""A chat with very many messages, written past the store: through it they would take minutes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pymongo

from slysock_store import ChatId, ChatKey, NewChat, SystemName, UserKey, open_store

SYSTEM = SystemName("long")
SENDER = UserKey("CUSTOMER:1")
START = datetime(2025, 6, 24, 14, 46, 2, 473_000, UTC)
AT = int(START.timestamp() * 1000)
MESSAGES_AT_ONCE = 10_000

INSERT_MESSAGE = """
    INSERT INTO messages (chat_id, sequence, id, sender, kind, text, attachments, recipient_online, extra, reactions,
        is_edited, is_deleted, created_at, updated_at)
    VALUES (?, ?, ?, ?, 'text', 'hello', '[]', 0, '{}', '[]', 0, 0, ?, ?)
"""
UPDATE_CHAT = """
    UPDATE chats SET last_sequence = ?, message_count = ?, last_message_at = ?, active_at = ? WHERE id = ?
"""
UPDATE_READERS = "UPDATE chat_members SET unread = ?, undelivered = ? WHERE chat_id = ? AND user_key <> ?"


async def make(url: str, *, key: str, size: int, readers: tuple[UserKey, ...]) -> ChatId:
    """Make a chat in which one has written so many messages, that wait for the readers; return its id."""
    async with open_store(url) as store:
        new = NewChat(kind="product", key=ChatKey(key), participants=(SENDER, *readers))
        chat_id = (await store.ensure_chat(SYSTEM, new)).chat.id
    fill = _fill_sqlite if url.startswith("sqlite") else _fill_mongo
    fill(url, chat_id, size)
    return chat_id


def _ids(chat_id: ChatId, size: int) -> Iterator[tuple[int, str]]:
    """Yield each message's number and id; the ids of two chats differ."""
    return ((sequence, f"{chat_id[:8]}{chat_id[-8:]}{sequence:08x}") for sequence in range(1, size + 1))


def _fill_sqlite(url: str, chat_id: ChatId, size: int) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        rows = ((chat_id, n, message_id, SENDER, AT + n, AT + n) for n, message_id in _ids(chat_id, size))
        connection.executemany(INSERT_MESSAGE, rows)
        connection.execute(UPDATE_CHAT, (size, size, AT + size, AT + size, chat_id))
        connection.execute(UPDATE_READERS, (size, size, chat_id, SENDER))


def _fill_mongo(url: str, chat_id: ChatId, size: int) -> None:
    with pymongo.MongoClient[dict[str, object]](url, tz_aware=True) as client:
        database = client.get_default_database()
        chunk: list[dict[str, object]] = []
        for sequence, message_id in _ids(chat_id, size):
            chunk.append(_document(chat_id, sequence, message_id))
            if len(chunk) == MESSAGES_AT_ONCE or sequence == size:
                database["messages"].insert_many(chunk, ordered=False)
                chunk = []
        waiting = {"waiting": size, "to": 0, "beyond": 0}
        last_at = datetime.fromtimestamp((AT + size) / 1000, UTC)
        chat = database["chats"].find_one({"_id": chat_id}) or {}
        members = chat["members"]
        assert isinstance(members, list)
        readers = [member["user"] for member in members if member["user"] != SENDER]
        kept = [{**member, "read": waiting, "delivered": waiting} for member in members if member["user"] != SENDER]
        changes = {
            "members": [*(member for member in members if member["user"] == SENDER), *kept],
            "undelivered_to": readers,
            **dict.fromkeys(("last_sequence", "message_count"), size),
            **dict.fromkeys(("last_message_at", "active_at"), last_at),
        }
        database["chats"].update_one({"_id": chat_id}, {"$set": changes})


def _document(chat_id: ChatId, sequence: int, message_id: str) -> dict[str, object]:
    at = datetime.fromtimestamp((AT + sequence) / 1000, UTC)
    return {
        "_id": message_id,
        "system": SYSTEM,
        "chat_id": chat_id,
        "sequence": sequence,
        "sender": SENDER,
        "recipient": None,
        "kind": "text",
        "text": "hello",
        "attachments": "[]",
        "reply_to": None,
        "client_message_id": None,
        "recipient_online": False,
        "extra": "{}",
        "reactions": [],
        "is_edited": False,
        "is_deleted": False,
        "created_at": at,
        "updated_at": at,
    }
