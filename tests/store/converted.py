"""What must be true of a database of version 1 after its conversion."""

from collections.abc import Sequence

from slysock_store import MAX_LIMIT, MessageId, Store
from slysock_store.testing import audit

from .version_1 import ANNA, BEN, CARA, SYSTEM, OldChat


async def check(store: Store, chats: Sequence[OldChat]) -> None:
    """Compare every receipt and count with what version 1 said; then take what waits, and read all."""
    for chat in chats:
        messages = await audit(store, chat.id, system=SYSTEM)
        for old, message in zip(chat.messages, messages, strict=True):
            receipts = list(chat.receipts(old))
            assert message.delivered_to == tuple(user for user, is_delivered, _ in receipts if is_delivered)
            assert message.read_by == tuple(user for user, _, is_read in receipts if is_read)
        found = await store.get_chat(SYSTEM, chat.id)
        assert found is not None
        assert [found.unread_of(user) for user in chat.members] == [chat.unread(user) for user in chat.members]
    for user in (ANNA, BEN, CARA):
        waiting = sorted(
            (
                (chat.at(sequence), chat.id, sequence, MessageId(chat.message_id(sequence)))
                for chat in chats
                for sequence, message in enumerate(chat.messages, 1)
                if (user, False, False) in chat.receipts(message)
            ),
            reverse=True,
        )
        taken: list[MessageId] = []
        while items := (await store.take_undelivered(SYSTEM, user, limit=MAX_LIMIT)).page.items:
            taken += [message.id for message in items]
        assert taken == [message_id for *_, message_id in waiting]
    for chat in chats:
        for user in chat.members:
            assert (await store.mark_read(SYSTEM, chat.id, user)).count == chat.unread(user)
