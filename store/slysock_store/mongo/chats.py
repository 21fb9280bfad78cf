"""Queries and changes of chats and their members."""

import msgspec

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
from slysock_store.progress import Progress
from slysock_store.times import from_milliseconds

from .filters import where
from .layout import LATEST_CHATS, Snapshot
from .records import chat_of
from .transaction import Transaction


def get_chat(snapshot: Snapshot, system: SystemName, chat_id: ChatId) -> Chat | None:
    """See `Store.get_chat`."""
    found = snapshot.find_one(snapshot.collections.chats, where(_id=chat_id, system=system))
    return None if found is None else chat_of(found)


def find_chat(snapshot: Snapshot, system: SystemName, key: ChatKey) -> Chat | None:
    """See `Store.find_chat`."""
    found = snapshot.find_one(snapshot.collections.chats, where(system=system, key=key))
    return None if found is None else chat_of(found)


def list_chats(
    snapshot: Snapshot,
    system: SystemName,
    participant: UserKey | None,
    kind: str | None,
    status: str | None,
    window: paging.Window,
) -> Page[Chat]:
    """See `Store.list_chats`."""
    named = {"participants": participant, "kind": kind, "status": status}
    wanted = where(system=system, **{name: value for name, value in named.items() if value is not None})
    chats = snapshot.collections.chats
    total = snapshot.count(chats, wanted)
    found = snapshot.find(chats, wanted, order=LATEST_CHATS, skip=window.offset(total), limit=window.limit)
    return Page(items=tuple(map(chat_of, found)), page=window.page, limit=window.limit, total_records=total)


def existing_chat(tx: Transaction, system: SystemName, chat_id: ChatId) -> Chat:
    """Return one chat.

    Raises:
        NotFound: there is none in this system.
    """
    chat = tx.chat(system, chat_id)
    if chat is None:
        raise NotFound("chat", chat_id)
    return chat


def ensure_chat(tx: Transaction, system: SystemName, new: NewChat) -> EnsuredChat:
    """See `Store.ensure_chat`."""
    chat = tx.chat_with(system, new.key)
    if chat is not None:
        return EnsuredChat(chat=chat, created=False)
    return EnsuredChat(chat=tx.put_chat(_new_chat(tx, system, new), is_new=True), created=True)


def _new_chat(tx: Transaction, system: SystemName, new: NewChat) -> Chat:
    now = from_milliseconds(tx.now)
    return Chat(
        id=ChatId(tx.new_id()),
        system=system,
        kind=new.kind,
        key=new.key,
        reference=new.reference,
        status=new.status,
        extra=new.extra,
        members=tuple(_member(user, is_participant=True, unread=0) for user in dict.fromkeys(new.participants)),
        last_sequence=0,
        message_count=0,
        last_message_at=None,
        created_at=now,
        updated_at=now,
    )


def _member(user: UserKey, *, is_participant: bool, unread: int) -> Member:
    return Member(user=user, is_participant=is_participant, has_blocked=False, read=Progress(waiting=unread))


def join(tx: Transaction, chat: Chat, user: UserKey, *, is_participant: bool) -> Chat:
    """Make this user a member of the chat, with its history unread but not undelivered; do nothing for a member.

    Whoever is not a member has written nothing: all that is not deleted is of others.
    """
    member = chat.member(user)
    if member is None:
        joined = (*chat.members, _member(user, is_participant=is_participant, unread=chat.message_count))
        return tx.put_chat(msgspec.structs.replace(chat, members=joined))
    if member.is_participant or not is_participant:
        return chat
    return tx.put_chat(chat.with_member(msgspec.structs.replace(member, is_participant=True)))


def update_chat(tx: Transaction, system: SystemName, chat_id: ChatId, changes: ChatChanges) -> Chat:
    """See `Store.update_chat`."""
    chat = existing_chat(tx, system, chat_id)
    changed = msgspec.structs.replace(
        chat,
        status=chat.status if changes.status is None else changes.status,
        extra={**chat.extra, **changes.extra},
        updated_at=from_milliseconds(tx.now),
    )
    changed = tx.put_chat(changed)  # refuses what cannot be kept before anything is sent
    for user in changes.add_participants:
        changed = join(tx, changed, user, is_participant=True)
    return changed


def toggle_block(tx: Transaction, system: SystemName, chat_id: ChatId, user: UserKey) -> Chat:
    """See `Store.toggle_block`."""
    chat = existing_chat(tx, system, chat_id)
    member = chat.member(user)
    if member is None or not member.is_participant:
        raise NotFound("participant", user)
    return tx.put_chat(chat.with_member(msgspec.structs.replace(member, has_blocked=not member.has_blocked)))
