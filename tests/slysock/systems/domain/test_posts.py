"""Messages into existing chats, below any event: what is decided while one is being stored."""

from collections.abc import Collection
from pathlib import Path

import pytest

from slysock.systems.domain import Conflict, Invalid, NotFound
from slysock.systems.domain.posts import Post, Posts
from slysock_store import (
    Chat,
    ChatKey,
    MessageId,
    NewChat,
    Store,
    SystemName,
    UserKey,
)
from tests.store.sqlite_parts import Parts, open_parts

SYSTEM = SystemName("services")
ANNA, BEN, EVE = UserKey("anna"), UserKey("ben"), UserKey("eve")
pytestmark = [pytest.mark.port]  # stores on files, which a test can make unavailable


async def chat_of(store: Store, *participants: UserKey) -> Chat:
    chat = NewChat(kind="chat", key=ChatKey("c"), participants=participants)
    return (await store.ensure_chat(SYSTEM, chat)).chat


class Arriving:
    """Readers who are not there when a message is about to be stored, and are when it has been."""

    def __init__(self, *users: UserKey, parts: Parts | None = None) -> None:
        self._users = users
        self._parts = parts
        self._asked = 0

    def __call__(self) -> Collection[UserKey]:
        self._asked += 1
        if self._asked == 1:
            return ()
        if self._parts is not None:
            self._parts.run("PRAGMA query_only = ON")
        return self._users


async def test_it_counts_as_delivered_to_participants_who_come_while_it_is_stored(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = await chat_of(parts.store, ANNA, BEN)
        announced: list[tuple[UserKey, ...]] = []
        post = Post(chat=chat, sender=ANNA, text="hello", readers=Arriving(ANNA, BEN, EVE))
        stored = await Posts(parts.store, SYSTEM).post(post, lambda added: announced.append(added.message.delivered_to))
        assert announced == [stored.message.delivered_to] == [(BEN,)]


async def test_a_stored_message_is_announced_even_if_delivery_cannot_be_marked(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = await chat_of(parts.store, ANNA, BEN)
        announced: list[str | None] = []
        post = Post(chat=chat, sender=ANNA, text="hello", readers=Arriving(BEN, parts=parts))
        await Posts(parts.store, SYSTEM).post(post, lambda added: announced.append(added.message.text))
        assert announced == ["hello"]


@pytest.mark.parametrize(
    ("text", "attachments"), [(None, 0), (" ", 0), ("x" * 10_001, 0), ("x", 11)], ids=["none", "blank", "long", "many"]
)
async def test_nothing_and_too_much_are_refused(tmp_path: Path, text: str | None, attachments: int) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = await chat_of(parts.store, ANNA, BEN)
        post = Post(chat=chat, sender=ANNA, text=text, attachments=({"url": "/a"},) * attachments)
        with pytest.raises(Invalid):
            await Posts(parts.store, SYSTEM).post(post, lambda added: pytest.fail("told"))
        assert (await parts.store.list_messages(SYSTEM, chat.id)).items == ()


async def test_status_and_reply_are_the_stores_to_check(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat, posts = await chat_of(parts.store, ANNA, BEN), Posts(parts.store, SYSTEM)
        closed = Post(chat=chat, sender=ANNA, text="x", required_status="closed")
        with pytest.raises(Conflict):
            await posts.post(closed, lambda added: pytest.fail("told"))
        reply = Post(chat=chat, sender=ANNA, text="x", reply_to=MessageId("f" * 24))
        with pytest.raises(NotFound):
            await posts.post(reply, lambda added: pytest.fail("told"))
        with pytest.raises(NotFound):
            await posts.get(MessageId("f" * 24))
