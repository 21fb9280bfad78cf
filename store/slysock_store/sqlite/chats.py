"""Statements about chats and their members."""

import sqlite3
from collections.abc import Sequence
from typing import TypeAlias

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import (
    Chat,
    ChatChanges,
    ChatId,
    ChatKey,
    EnsuredChat,
    Member,
    NewChat,
    Page,
    SystemName,
    UserKey,
)
from slysock_store.times import from_milliseconds, maybe_from_milliseconds

from . import columns
from .transaction import Transaction

ChatRow: TypeAlias = tuple[str, str, str, str, str, str, str, int, int, int | None, int, int]
MemberRow: TypeAlias = tuple[str, int, int, int]

SELECT_CHAT = """
    SELECT id, system, kind, key, reference, status, extra, last_sequence, message_count,
        last_message_at, created_at, updated_at
    FROM chats WHERE id = ? AND system = ?
"""
SELECT_CHAT_BY_KEY = """
    SELECT id, system, kind, key, reference, status, extra, last_sequence, message_count,
        last_message_at, created_at, updated_at
    FROM chats WHERE system = ? AND key = ?
"""
SELECT_CHATS = """
    SELECT id, system, kind, key, reference, status, extra, last_sequence, message_count,
        last_message_at, created_at, updated_at
    FROM chats
    WHERE system = :system AND (:kind IS NULL OR kind = :kind) AND (:status IS NULL OR status = :status)
    ORDER BY active_at DESC, id DESC LIMIT :limit OFFSET :offset
"""
SELECT_COUNT = """
    SELECT count(*) FROM chats
    WHERE system = :system AND (:kind IS NULL OR kind = :kind) AND (:status IS NULL OR status = :status)
"""
# CROSS JOIN is SQLite's way to fix the order: from the participant's index to the chats, whose number is small.
SELECT_CHATS_OF_PARTICIPANT = """
    SELECT c.id, c.system, c.kind, c.key, c.reference, c.status, c.extra, c.last_sequence, c.message_count,
        c.last_message_at, c.created_at, c.updated_at
    FROM chat_members AS m CROSS JOIN chats AS c ON c.id = m.chat_id
    WHERE m.system = :system AND m.user_key = :participant AND m.is_participant = 1
        AND (:kind IS NULL OR c.kind = :kind) AND (:status IS NULL OR c.status = :status)
    ORDER BY c.active_at DESC, c.id DESC LIMIT :limit OFFSET :offset
"""
SELECT_COUNT_OF_PARTICIPANT = """
    SELECT count(*) FROM chat_members AS m CROSS JOIN chats AS c ON c.id = m.chat_id
    WHERE m.system = :system AND m.user_key = :participant AND m.is_participant = 1
        AND (:kind IS NULL OR c.kind = :kind) AND (:status IS NULL OR c.status = :status)
"""
SELECT_MEMBERS = """
    SELECT user_key, is_participant, unread, has_blocked FROM chat_members WHERE chat_id = ? ORDER BY position
"""
INSERT_CHAT = """
    INSERT INTO chats (id, system, kind, key, reference, status, extra, last_sequence, message_count,
        last_message_at, created_at, updated_at, active_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, ?, ?, ?)
"""
INSERT_MEMBER = """
    INSERT INTO chat_members (chat_id, user_key, system, position, is_participant, unread) VALUES (?, ?, ?, ?, ?, ?)
"""
INSERT_HISTORY_RECEIPTS = """
    INSERT INTO receipts (chat_id, sequence, user_key, system, created_at, delivered_at, read_at)
    SELECT chat_id, sequence, :user, :system, created_at, :now, NULL
    FROM messages WHERE chat_id = :chat AND is_deleted = 0 AND sender <> :user
"""
UPDATE_PARTICIPATION = "UPDATE chat_members SET is_participant = 1 WHERE chat_id = ? AND user_key = ?"
UPDATE_BLOCK = "UPDATE chat_members SET has_blocked = ? WHERE chat_id = ? AND user_key = ?"
UPDATE_CHAT = "UPDATE chats SET status = ?, extra = ?, updated_at = ? WHERE id = ?"


def get_chat(connection: sqlite3.Connection, system: SystemName, chat_id: ChatId) -> Chat | None:
    """See `Store.get_chat`."""
    row: ChatRow | None = connection.execute(SELECT_CHAT, (chat_id, system)).fetchone()
    return None if row is None else _with_members(connection, row)


def find_chat(connection: sqlite3.Connection, system: SystemName, key: ChatKey) -> Chat | None:
    """See `Store.find_chat`."""
    row: ChatRow | None = connection.execute(SELECT_CHAT_BY_KEY, (system, key)).fetchone()
    return None if row is None else _with_members(connection, row)


def existing_chat(tx: Transaction, system: SystemName, chat_id: ChatId) -> Chat:
    """Return one chat, as the transaction has left it.

    Raises:
        NotFound: there is none in this system.
    """
    chat = tx.chats.get(system, chat_id)
    if chat is None:
        chat = get_chat(tx.connection, system, chat_id)
        if chat is None:
            raise NotFound("chat", chat_id)
        tx.chats.remember(chat)
    return chat


def list_chats(
    connection: sqlite3.Connection,
    system: SystemName,
    participant: UserKey | None,
    kind: str | None,
    status: str | None,
    window: paging.Window,
) -> Page[Chat]:
    """See `Store.list_chats`."""
    count, select = SELECT_COUNT_OF_PARTICIPANT, SELECT_CHATS_OF_PARTICIPANT
    if participant is None:
        count, select = SELECT_COUNT, SELECT_CHATS
    wanted = {"system": system, "participant": participant, "kind": kind, "status": status}
    (total,) = connection.execute(count, wanted).fetchone()
    bounds = {"limit": window.limit, "offset": window.offset(total)}
    rows: list[ChatRow] = connection.execute(select, {**wanted, **bounds}).fetchall()
    chats = tuple(_with_members(connection, row) for row in rows)
    return Page(items=chats, page=window.page, limit=window.limit, total_records=total)


def ensure_chat(tx: Transaction, system: SystemName, new: NewChat) -> EnsuredChat:
    """See `Store.ensure_chat`."""
    chat = tx.chats.find(system, new.key) or find_chat(tx.connection, system, new.key)
    if chat is not None:
        tx.chats.remember(chat)
        return EnsuredChat(chat=chat, created=False)
    tx.refuse_growth()
    return EnsuredChat(chat=_insert_chat(tx, system, new), created=True)


def _insert_chat(tx: Transaction, system: SystemName, new: NewChat) -> Chat:
    chat_id = ChatId(tx.new_id())
    about = (chat_id, system, new.kind, new.key, columns.encode(new.reference), new.status, columns.encode(new.extra))
    tx.connection.execute(INSERT_CHAT, (*about, tx.now, tx.now, tx.now))
    users = dict.fromkeys(new.participants)
    members = [(chat_id, user, system, position, 1, 0) for position, user in enumerate(users)]
    tx.connection.executemany(INSERT_MEMBER, members)
    return existing_chat(tx, system, chat_id)


def join(tx: Transaction, chat: Chat, user: UserKey, *, is_participant: bool) -> Chat:
    """Make this user a member of the chat, with its history unread but not undelivered; do nothing for a member."""
    if any(member.user == user for member in chat.members):
        return _promote(tx, chat, user) if is_participant else chat
    history = {"user": user, "system": chat.system, "now": tx.now, "chat": chat.id}
    unread = tx.connection.execute(INSERT_HISTORY_RECEIPTS, history).rowcount
    row = (chat.id, user, chat.system, len(chat.members), int(is_participant), unread)
    tx.change_chat(chat.id, INSERT_MEMBER, row)
    return existing_chat(tx, chat.system, chat.id)


def _promote(tx: Transaction, chat: Chat, user: UserKey) -> Chat:
    if chat.is_participant(user):
        return chat
    tx.change_chat(chat.id, UPDATE_PARTICIPATION, (chat.id, user))
    return existing_chat(tx, chat.system, chat.id)


def update_chat(tx: Transaction, system: SystemName, chat_id: ChatId, changes: ChatChanges) -> Chat:
    """See `Store.update_chat`."""
    chat = existing_chat(tx, system, chat_id)
    for user in changes.add_participants:
        chat = join(tx, chat, user, is_participant=True)
    status = chat.status if changes.status is None else changes.status
    extra = {**chat.extra, **changes.extra}
    tx.change_chat(chat_id, UPDATE_CHAT, (status, columns.encode(extra), tx.now, chat_id))
    return existing_chat(tx, system, chat_id)


def toggle_block(tx: Transaction, system: SystemName, chat_id: ChatId, user: UserKey) -> Chat:
    """See `Store.toggle_block`."""
    chat = existing_chat(tx, system, chat_id)
    if not chat.is_participant(user):
        raise NotFound("participant", user)
    tx.change_chat(chat_id, UPDATE_BLOCK, (int(user not in chat.blocked_by), chat_id, user))
    return existing_chat(tx, system, chat_id)


def _with_members(connection: sqlite3.Connection, row: ChatRow) -> Chat:
    members: list[MemberRow] = connection.execute(SELECT_MEMBERS, (row[0],)).fetchall()
    return chat_of(row, members)


def chat_of(row: ChatRow, members: Sequence[MemberRow]) -> Chat:
    """Make the record of a row and the rows of its members."""
    chat_id, system, kind, key, reference, status, extra, last, count, last_message_at, created_at, updated_at = row
    return Chat(
        id=ChatId(chat_id),
        system=SystemName(system),
        kind=kind,
        key=ChatKey(key),
        reference=columns.decode(reference),
        status=status,
        extra=columns.decode_object(extra),
        members=tuple(map(member_of, members)),
        last_sequence=last,
        message_count=count,
        last_message_at=maybe_from_milliseconds(last_message_at),
        created_at=from_milliseconds(created_at),
        updated_at=from_milliseconds(updated_at),
    )


def member_of(row: MemberRow) -> Member:
    """Make the record of a member's row."""
    user, is_participant, unread, has_blocked = row
    return Member(
        user=UserKey(user),
        is_participant=bool(is_participant),
        unread=unread,
        has_blocked=bool(has_blocked),
    )
