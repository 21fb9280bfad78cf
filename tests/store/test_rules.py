"""What follows for a chat and its messages from a write."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from slysock_store import (
    Chat,
    ChatBlocked,
    ChatId,
    ChatKey,
    Member,
    Message,
    MessageId,
    NotFound,
    NotSender,
    Reaction,
    UserKey,
    WrongStatus,
)
from slysock_store.rules import (
    reactions_with,
    refuse_deleted,
    refuse_message,
    refuse_others,
    sent_at,
    with_message,
)
from slysock_store.testing.harness import ANNA, BEN, CARA, START, SYSTEM
from slysock_store.times import to_milliseconds

CHAT = Chat(
    id=ChatId("c"),
    system=SYSTEM,
    kind="product",
    key=ChatKey("k"),
    reference=None,
    status="open",
    extra={},
    members=tuple(Member(user=user, is_participant=True, unread=1, has_blocked=False) for user in (ANNA, BEN)),
    last_sequence=2,
    message_count=1,
    last_message_at=None,
    created_at=START,
    updated_at=START,
)
MESSAGE = Message(
    id=MessageId("m"),
    chat_id=CHAT.id,
    sequence=3,
    sender=ANNA,
    recipient=None,
    kind="text",
    text="hello",
    attachments=(),
    reply_to=None,
    client_message_id=None,
    recipient_online=False,
    extra={},
    reactions=(Reaction(user=ANNA, emoji="a"), Reaction(user=BEN, emoji="b")),
    receipts=(),
    is_edited=False,
    is_deleted=False,
    created_at=START + timedelta(seconds=1),
    updated_at=START + timedelta(seconds=1),
)


def test_a_block_is_told_before_a_status() -> None:
    refuse_message(CHAT, None)
    refuse_message(CHAT, "open")
    with pytest.raises(WrongStatus, match="the chat is open"):
        refuse_message(CHAT, "closed")
    blocker = msgspec.structs.replace(CHAT.members[1], has_blocked=True)
    with pytest.raises(ChatBlocked):
        refuse_message(msgspec.structs.replace(CHAT, members=(CHAT.members[0], blocker)), "closed")


def test_only_the_sender_changes_a_message_and_only_while_it_is_there() -> None:
    refuse_others(MESSAGE, ANNA)
    with pytest.raises(NotSender):
        refuse_others(MESSAGE, BEN)
    refuse_deleted(MESSAGE)
    with pytest.raises(NotFound, match="no message 'm'"):
        refuse_deleted(msgspec.structs.replace(MESSAGE, is_deleted=True))


@pytest.mark.parametrize(("last_seconds", "expected_seconds"), [(None, 0), (-5, 0), (0, 0), (5, 5), (5.001, 0)])
def test_a_message_is_never_before_the_last_one_unless_that_is_far_ahead(
    last_seconds: float | None, expected_seconds: int
) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC)
    last = None if last_seconds is None else now + timedelta(seconds=last_seconds)
    chat = msgspec.structs.replace(CHAT, last_message_at=last)
    assert sent_at(chat, to_milliseconds(now)) == to_milliseconds(now + timedelta(seconds=expected_seconds))


def test_a_message_is_unread_for_all_but_its_sender() -> None:
    counted = with_message(CHAT, MESSAGE)
    assert (counted.unread_of(ANNA), counted.unread_of(BEN)) == (1, 2)
    assert (counted.last_sequence, counted.message_count) == (3, 2)
    assert counted.last_message_at == counted.updated_at == MESSAGE.created_at


@pytest.mark.parametrize(
    ("by", "emoji", "expected"),
    [
        (ANNA, "a", "ab"),
        (ANNA, "c", "bc"),
        (ANNA, None, "b"),
        (CARA, "c", "abc"),
        (CARA, None, "ab"),
    ],
)
def test_a_user_has_one_reaction_at_most_and_the_newest_is_last(by: UserKey, emoji: str | None, expected: str) -> None:
    assert "".join(reaction.emoji for reaction in reactions_with(MESSAGE, by, emoji)) == expected


def test_an_equal_reaction_leaves_the_message_as_it_is() -> None:
    assert reactions_with(MESSAGE, BEN, "b") is MESSAGE.reactions
