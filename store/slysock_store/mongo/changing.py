"""What changes a stored message: edits, reactions, deletion."""

from collections.abc import Sequence

import msgspec

from slysock_store import rules
from slysock_store.models import ChangedMessage, Chat, Message, MessageId, ReferenceChange, SystemName, UserKey
from slysock_store.times import from_milliseconds

from . import chats, messages, references
from .transaction import Transaction


def edit_message(tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey, text: str) -> ChangedMessage:
    """See `Store.edit_message`."""
    message = _own_message(tx, system, message_id, by)
    rules.refuse_deleted(message)
    if message.text == text:
        return _unchanged(tx, system, message)
    return _changed(tx, system, msgspec.structs.replace(message, text=text, is_edited=True))


def set_reaction(
    tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey, emoji: str | None
) -> ChangedMessage:
    """See `Store.set_reaction`."""
    message = messages.existing_message(tx, system, message_id)
    rules.refuse_deleted(message)
    reactions = rules.reactions_with(message, by, emoji)
    if reactions == message.reactions:
        return _unchanged(tx, system, message)
    return _changed(tx, system, msgspec.structs.replace(message, reactions=reactions))


def delete_message(
    tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey, changes: Sequence[ReferenceChange]
) -> ChangedMessage:
    """See `Store.delete_message`."""
    message = _own_message(tx, system, message_id, by)
    if message.is_deleted:
        return _unchanged(tx, system, message)
    references.change_references(tx, system, changes)
    tx.put_chat(_without(tx, chats.existing_chat(tx, system, message.chat_id), message))
    read = tuple(receipt for receipt in message.receipts if receipt.read_at is not None)
    return _changed(tx, system, msgspec.structs.replace(message, is_deleted=True, receipts=read))


def _without(tx: Transaction, chat: Chat, message: Message) -> Chat:
    """Adjust the chat's counters to the deletion of a message."""
    unread_by = {receipt.user for receipt in message.receipts if receipt.read_at is None}
    return msgspec.structs.replace(
        chat,
        members=tuple(
            msgspec.structs.replace(member, unread=member.unread - (member.user in unread_by))
            for member in chat.members
        ),
        message_count=chat.message_count - 1,
        updated_at=from_milliseconds(tx.now),
    )


def _own_message(tx: Transaction, system: SystemName, message_id: MessageId, by: UserKey) -> Message:
    message = messages.existing_message(tx, system, message_id)
    rules.refuse_others(message, by)
    return message


def _changed(tx: Transaction, system: SystemName, message: Message) -> ChangedMessage:
    kept = tx.put_message(system, msgspec.structs.replace(message, updated_at=from_milliseconds(tx.now)))
    return ChangedMessage(chat=chats.existing_chat(tx, system, message.chat_id), message=kept, changed=True)


def _unchanged(tx: Transaction, system: SystemName, message: Message) -> ChangedMessage:
    return ChangedMessage(chat=chats.existing_chat(tx, system, message.chat_id), message=message, changed=False)
