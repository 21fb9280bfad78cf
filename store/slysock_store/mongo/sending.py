"""How a message is stored, with everything that must agree with it. The hot path of every chat system."""

from collections.abc import Iterable
from contextlib import suppress

from slysock_store import rules
from slysock_store.errors import NotFound, StoreError
from slysock_store.models import (
    AddedMessage,
    Chat,
    ChatId,
    EnsuredChat,
    Message,
    MessageId,
    NewChat,
    NewMessage,
    Receipt,
    SystemName,
)
from slysock_store.operations import AddMessage
from slysock_store.times import from_milliseconds

from . import chats, messages, references
from .filters import is_text
from .records import retry_key
from .transaction import Batch, Transaction


def add_message(tx: Transaction, call: AddMessage) -> AddedMessage:
    """See `Store.add_message`."""
    new = call.message
    found = _chat_for(tx, call.system, call.chat)
    retried = _retried(tx, found.chat, new)
    if retried is not None:
        return AddedMessage(chat=found.chat, message=retried, created_chat=False, is_duplicate=True)
    _refuse(tx, found.chat, new, call.required_status)
    changed, message = _put(tx, found.chat, new)
    references.change_references(tx, call.system, call.changes)
    return AddedMessage(chat=changed, message=message, created_chat=found.created, is_duplicate=False)


def read_ahead(batch: Batch, arguments: Iterable[object]) -> None:
    """Read with a few commands what all the sends in a batch of writes will ask for one by one."""
    sends = [argument for argument in arguments if isinstance(argument, AddMessage) and _is_sound(argument)]
    if len(sends) < 2:
        return
    ids = [send.chat for send in sends if not isinstance(send.chat, NewChat)]
    keys = [(send.system, send.chat.key) for send in sends if isinstance(send.chat, NewChat)]
    with suppress(StoreError):  # a document that somebody else wrote: whoever asks for it will be told
        batch.load_chats(ids, keys)
        batch.load_retries([key for send in sends if (key := _retry_key(batch, send)) is not None])


def _is_sound(send: AddMessage) -> bool:
    """Tell whether the names are strings; a write with others is refused when its turn comes."""
    name = send.chat.key if isinstance(send.chat, NewChat) else send.chat
    client_message_id = send.message.client_message_id
    return all(map(is_text, (send.system, name, send.message.sender, client_message_id or "")))


def _retry_key(batch: Batch, send: AddMessage) -> str | None:
    chat = batch.chat_with(send.system, send.chat.key) if isinstance(send.chat, NewChat) else batch.chat(send.chat)
    if chat is None or send.message.client_message_id is None:
        return None
    return retry_key(chat.id, send.message.sender, send.message.client_message_id)


def _chat_for(tx: Transaction, system: SystemName, chat: ChatId | NewChat) -> EnsuredChat:
    if isinstance(chat, NewChat):
        return chats.ensure_chat(tx, system, chat)
    return EnsuredChat(chat=chats.existing_chat(tx, system, chat), created=False)


def _retried(tx: Transaction, chat: Chat, new: NewMessage) -> Message | None:
    if new.client_message_id is None or chat.last_sequence == 0:
        return None
    message_id = tx.retried(retry_key(chat.id, new.sender, new.client_message_id))
    return None if message_id is None else messages.existing_message(tx, chat.system, message_id)


def _refuse(tx: Transaction, chat: Chat, new: NewMessage, required_status: str | None) -> None:
    rules.refuse_message(chat, required_status)
    if new.reply_to is not None:
        parent = tx.message(chat.system, new.reply_to)
        if parent is None or parent.chat_id != chat.id:
            raise NotFound("message", new.reply_to)


def _put(tx: Transaction, chat: Chat, new: NewMessage) -> tuple[Chat, Message]:
    # First, because it refuses what cannot be kept before anything is sent.
    message = tx.put_message(chat.system, _message(tx, chat, new), is_new=True)
    joined = chats.join(tx, chat, new.sender, is_participant=False)
    return tx.put_chat(rules.with_message(joined, message)), message


def _message(tx: Transaction, chat: Chat, new: NewMessage) -> Message:
    sent_at = from_milliseconds(rules.sent_at(chat, tx.now))
    others = sorted(member.user for member in chat.members if member.user != new.sender)
    return Message(
        id=MessageId(tx.new_id()),
        chat_id=chat.id,
        sequence=chat.last_sequence + 1,
        sender=new.sender,
        recipient=new.recipient,
        kind=new.kind,
        text=new.text,
        attachments=new.attachments,
        reply_to=new.reply_to,
        client_message_id=new.client_message_id,
        recipient_online=new.recipient_online,
        extra=new.extra,
        reactions=(),
        receipts=tuple(
            Receipt(user=user, delivered_at=sent_at if user in new.delivered_to else None, read_at=None)
            for user in others
        ),
        is_edited=False,
        is_deleted=False,
        created_at=sent_at,
        updated_at=sent_at,
    )
