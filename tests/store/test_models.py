"""What records say about themselves."""

import msgspec
import pytest

from slysock_store import Chat, Member, Page, Progress, UserKey, open_store
from slysock_store.testing.harness import ANNA, BEN, CARA, SYSTEM, between, said


@pytest.mark.parametrize(
    ("page", "total", "pages", "has_next", "has_previous"),
    [(1, 0, 0, False, False), (1, 10, 1, False, False), (1, 11, 2, True, False), (2, 11, 2, False, True)],
)
def test_a_page_knows_its_place(page: int, total: int, pages: int, has_next: bool, has_previous: bool) -> None:
    found: Page[str] = Page(items=(), page=page, limit=10, total_records=total)
    assert (found.total_pages, found.has_next, found.has_previous) == (pages, has_next, has_previous)


def member(user: UserKey, *, is_participant: bool = True, unread: int = 0, has_blocked: bool = False) -> Member:
    read = Progress(waiting=unread)
    return Member(user=user, is_participant=is_participant, has_blocked=has_blocked, read=read)


async def chat_with(*members: Member) -> Chat:
    """Make a chat with one message and these members."""
    async with open_store("sqlite://") as store:
        chat = (await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).chat
    return msgspec.structs.replace(chat, members=members)


async def test_participants_are_those_who_were_named_in_their_order() -> None:
    chat = await chat_with(member(BEN), member(CARA, is_participant=False), member(ANNA))
    assert chat.participants == (BEN, ANNA)
    assert [chat.is_participant(user) for user in (ANNA, BEN, CARA, UserKey("nobody"))] == [True, True, False, False]


async def test_a_chat_is_blocked_by_any_of_its_members() -> None:
    chat = await chat_with(member(ANNA), member(BEN))
    assert (chat.is_blocked, chat.blocked_by) == (False, ())
    chat = await chat_with(member(ANNA), member(BEN, has_blocked=True))
    assert (chat.is_blocked, chat.blocked_by) == (True, (BEN,))


async def test_a_stranger_has_read_nothing() -> None:
    chat = await chat_with(member(ANNA), member(BEN, unread=7))
    assert [chat.unread_of(user) for user in (ANNA, BEN, CARA)] == [0, 7, chat.message_count]


async def test_a_member_takes_the_place_of_the_one_of_the_same_name() -> None:
    chat = await chat_with(member(ANNA), member(BEN))
    changed = chat.with_member(member(BEN, unread=3))
    assert changed.members == (member(ANNA), member(BEN, unread=3))
    assert (changed.member(BEN), changed.member(CARA)) == (member(BEN, unread=3), None)


async def test_a_message_knows_whom_it_has_reached_and_who_has_read_it() -> None:
    async with open_store("sqlite://") as store:
        message = (await store.add_message(SYSTEM, between(ANNA, BEN, CARA), said(ANNA))).message
        await store.mark_delivered(SYSTEM, message.chat_id, BEN)
        await store.mark_read(SYSTEM, message.chat_id, CARA)
        found = await store.get_message(SYSTEM, message.id)
    assert found is not None
    assert (found.delivered_to, found.read_by) == ((CARA, BEN), (CARA,))
    assert [found.is_delivered_to(user) for user in (ANNA, BEN, CARA)] == [False, True, True]
    assert [found.is_read_by(user) for user in (ANNA, BEN, CARA)] == [False, False, True]
