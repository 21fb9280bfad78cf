"""The statements that store a message, with everything that must agree with it. The hot path of every chat system."""

from slysock_store import rules
from slysock_store.errors import NotFound
from slysock_store.models import (
    AddedMessage,
    Chat,
    ChatId,
    EnsuredChat,
    Message,
    MessageId,
    NewChat,
    NewMessage,
    SystemName,
)
from slysock_store.operations import AddMessage

from . import chats, columns, messages, references
from .messages import MessageRow, ReceiptRow
from .transaction import Transaction

INSERT_MESSAGE = """
    INSERT INTO messages (id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_RECEIPT = """
    INSERT INTO receipts (chat_id, sequence, user_key, system, created_at, delivered_at, read_at)
    VALUES (?, ?, ?, ?, ?, ?, NULL)
"""
UPDATE_CHAT_FOR_MESSAGE = """
    UPDATE chats SET last_sequence = ?, message_count = message_count + 1,
        last_message_at = ?, updated_at = ?, active_at = ?
    WHERE id = ?
"""
UPDATE_UNREAD = "UPDATE chat_members SET unread = unread + 1 WHERE chat_id = ? AND user_key <> ?"


def add_message(tx: Transaction, call: AddMessage) -> AddedMessage:
    """See `Store.add_message`."""
    new = call.message
    found = _chat_for(tx, call.system, call.chat)
    retried = _retried(tx, found.chat, new)
    if retried is not None:
        return AddedMessage(chat=found.chat, message=retried, created_chat=False, is_duplicate=True)
    _refuse(tx, found.chat, new, call.required_status)
    references.change_references(tx, call.system, call.changes)
    joined = chats.join(tx, found.chat, new.sender, is_participant=False)
    sent_at = rules.sent_at(joined, tx.now)
    message = _insert(tx, joined, new, sent_at)
    counted = _count(tx, joined, message, sent_at)
    return AddedMessage(chat=counted, message=message, created_chat=found.created, is_duplicate=False)


def _chat_for(tx: Transaction, system: SystemName, chat: ChatId | NewChat) -> EnsuredChat:
    if isinstance(chat, NewChat):
        return chats.ensure_chat(tx, system, chat)
    return EnsuredChat(chat=chats.existing_chat(tx, system, chat), created=False)


def _retried(tx: Transaction, chat: Chat, new: NewMessage) -> Message | None:
    if new.client_message_id is None:
        return None
    return messages.find_retried(tx.connection, chat.id, new.sender, new.client_message_id)


def _refuse(tx: Transaction, chat: Chat, new: NewMessage, required_status: str | None) -> None:
    rules.refuse_message(chat, required_status)
    tx.refuse_growth()
    if new.reply_to is not None:
        parent = messages.get_message(tx.connection, chat.system, new.reply_to)
        if parent is None or parent.chat_id != chat.id:
            raise NotFound("message", new.reply_to)


def _insert(tx: Transaction, chat: Chat, new: NewMessage, sent_at: int) -> Message:
    others = sorted(member.user for member in chat.members if member.user != new.sender)
    receipts: list[ReceiptRow] = [(user, sent_at if user in new.delivered_to else None, None) for user in others]
    row: MessageRow = (
        MessageId(tx.new_id()),
        chat.id,
        chat.last_sequence + 1,
        new.sender,
        new.recipient,
        new.kind,
        new.text,
        columns.encode_objects(new.attachments),
        new.reply_to,
        new.client_message_id,
        int(new.recipient_online),
        columns.encode_object(new.extra),
        columns.NOTHING,
        0,
        0,
        sent_at,
        sent_at,
    )
    tx.connection.execute(INSERT_MESSAGE, row)
    for user, delivered, _ in receipts:  # one, as a rule: executemany takes a third longer for it
        tx.connection.execute(INSERT_RECEIPT, (chat.id, row[2], user, chat.system, sent_at, delivered))
    return messages.message_of(row, receipts)


def _count(tx: Transaction, chat: Chat, message: Message, sent_at: int) -> Chat:
    """Adjust the chat's counters to its new message."""
    tx.change_chat(chat.id, UPDATE_UNREAD, (chat.id, message.sender))
    tx.change_chat(chat.id, UPDATE_CHAT_FOR_MESSAGE, (message.sequence, sent_at, sent_at, sent_at, chat.id))
    counted = rules.with_message(chat, message)
    tx.chats.remember(counted)
    return counted
