"""Messages into existing chats, below any event: what is decided while one is being stored."""

from pathlib import Path
from typing import cast

import pytest
import trio
import trio.testing

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
from tests.store.sqlite_parts import open_parts

SYSTEM = SystemName("services")
ANNA, BEN, EVE = UserKey("anna"), UserKey("ben"), UserKey("eve")
pytestmark = [pytest.mark.port]  # stores on files, which a test can make unavailable


async def chat_of(store: Store, *participants: UserKey) -> Chat:
    chat = NewChat(kind="chat", key=ChatKey("c"), participants=participants)
    return (await store.ensure_chat(SYSTEM, chat)).chat


class Failing:
    """A store of which only one method works."""

    def __init__(self, store: Store, method: str) -> None:
        self._store = store
        self._method = method

    def __getattr__(self, name: str) -> object:
        assert name == self._method, f"{name} was asked between the commit and the announcement"
        return getattr(self._store, name)


async def test_nothing_is_asked_between_the_commit_and_the_announcement(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat, announced = await chat_of(parts.store, ANNA, BEN), list[str | None]()
        posts = Posts(cast("Store", Failing(parts.store, "add_message")), SYSTEM)
        post = Post(chat=chat, sender=ANNA, text="hello")
        await posts.post(post, lambda added: announced.append(added.message.text))
        assert announced == ["hello"]


async def test_a_stored_message_is_announced_even_if_its_sender_is_cancelled_meanwhile(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat, announced = await chat_of(parts.store, ANNA, BEN), list[str | None]()
        post = Post(chat=chat, sender=ANNA, text="hello")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                Posts(parts.store, SYSTEM).post, post, lambda added: announced.append(added.message.text)
            )
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert announced == ["hello"]
        assert len((await parts.store.list_messages(SYSTEM, chat.id)).items) == 1


async def test_a_retry_is_announced_by_another_call_or_not_at_all(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat, calls = await chat_of(parts.store, ANNA, BEN), list[str]()
        post, posts = Post(chat=chat, sender=ANNA, text="hello", client_message_id="c"), Posts(parts.store, SYSTEM)
        for _ in range(2):
            await posts.post(post, lambda _: calls.append("announce"), lambda _: calls.append("again"))
        await posts.post(post, lambda _: calls.append("announce"))
        assert calls == ["announce", "again"]


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
