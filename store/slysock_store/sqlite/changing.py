"""Statements that change a stored message: edits, reactions, deletion."""

from collections.abc import Sequence

from slysock_store import rules
from slysock_store.models import ChangedMessage, Message, MessageId, ReferenceChange, SystemName, UserKey

from . import chats, columns, messages, references
from .transaction import Transaction

UPDATE_TEXT = "UPDATE messages SET text = ?, is_edited = 1, updated_at = ? WHERE chat_id = ? AND sequence = ?"
UPDATE_REACTIONS = "UPDATE messages SET reactions = ?, updated_at = ? WHERE chat_id = ? AND sequence = ?"
UPDATE_DELETED = "UPDATE messages SET is_deleted = 1, updated_at = ? WHERE chat_id = ? AND sequence = ?"
UPDATE_UNREAD_WITHOUT = """
    UPDATE chat_members SET unread = unread - 1
    WHERE chat_id = :chat AND user_key IN (
        SELECT user_key FROM receipts WHERE chat_id = :chat AND sequence = :sequence AND read_at IS NULL
    )
"""
DELETE_PENDING_RECEIPTS = "DELETE FROM receipts WHERE chat_id = :chat AND sequence = :sequence AND read_at IS NULL"
UPDATE_MESSAGE_COUNT = "UPDATE chats SET message_count = message_count - 1, updated_at = ? WHERE id = ?"


def edit_message(tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey, text: str) -> ChangedMessage:
    """See `Store.edit_message`."""
    message = _own_message(tx, system, message_id, by)
    rules.refuse_deleted(message)
    if message.text == text:
        return _result(tx, system, message, changed=False)
    tx.refuse_growth()
    tx.connection.execute(UPDATE_TEXT, (text, tx.now, message.chat_id, message.sequence))
    return _result(tx, system, message, changed=True)


def set_reaction(
    tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey, emoji: str | None
) -> ChangedMessage:
    """See `Store.set_reaction`."""
    message = messages.existing_message(tx.connection, system, message_id)
    rules.refuse_deleted(message)
    reactions = rules.reactions_with(message, by, emoji)
    if reactions == message.reactions:
        return _result(tx, system, message, changed=False)
    if emoji is not None:
        tx.refuse_growth()
    key = (message.chat_id, message.sequence)
    tx.connection.execute(UPDATE_REACTIONS, (columns.encode_reactions(reactions), tx.now, *key))
    return _result(tx, system, message, changed=True)


def delete_message(
    tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey, changes: Sequence[ReferenceChange]
) -> ChangedMessage:
    """See `Store.delete_message`."""
    message = _own_message(tx, system, message_id, by)
    if message.is_deleted:
        return _result(tx, system, message, changed=False)
    references.change_references(tx, system, changes)
    pending: dict[str, str | int] = {"chat": message.chat_id, "sequence": message.sequence}
    tx.change_chat(message.chat_id, UPDATE_UNREAD_WITHOUT, pending)
    tx.connection.execute(DELETE_PENDING_RECEIPTS, pending)
    tx.connection.execute(UPDATE_DELETED, (tx.now, message.chat_id, message.sequence))
    tx.change_chat(message.chat_id, UPDATE_MESSAGE_COUNT, (tx.now, message.chat_id))
    return _result(tx, system, message, changed=True)


def _own_message(tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey) -> Message:
    message = messages.existing_message(tx.connection, system, message_id)
    rules.refuse_others(message, by)
    return message


def _result(tx: Transaction, system: SystemName, message: Message, *, changed: bool) -> ChangedMessage:
    return ChangedMessage(
        chat=chats.existing_chat(tx, system, message.chat_id),
        message=messages.message_at(tx.connection, message.chat_id, message.sequence),
        changed=changed,
    )
