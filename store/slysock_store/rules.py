"""What a write means for a chat and its messages, as pure functions on records that the backends share."""

import logging

import msgspec

from .errors import ChatBlocked, NotFound, NotSender, WrongStatus
from .models import Chat, Member, Message, Reaction, UserKey
from .times import to_milliseconds

logger = logging.getLogger("slysock.store")

MOST_AHEAD_MILLISECONDS = 5_000
"""How far ahead of the clock a message may be dated for the sake of order. Clocks that are kept right move by less."""


def refuse_message(chat: Chat, required_status: str | None) -> None:
    """Refuse a new message that the chat does not accept.

    Raises:
        ChatBlocked: a participant has blocked the chat.
        WrongStatus: a status is required and is not the chat's.
    """
    if chat.is_blocked:
        raise ChatBlocked("a participant has blocked the chat")
    if required_status is not None and chat.status != required_status:
        raise WrongStatus(chat.status)


def refuse_others(message: Message, by: UserKey) -> None:
    """Refuse to change somebody else's message.

    Raises:
        NotSender: the message is somebody else's.
    """
    if message.sender != by:
        raise NotSender("only the sender may change a message")


def refuse_deleted(message: Message) -> None:
    """Refuse to change a deleted message.

    Raises:
        NotFound: the message is deleted.
    """
    if message.is_deleted:
        raise NotFound("message", message.id)


def sent_at(chat: Chat, now: int) -> int:
    """Return a new message's time in milliseconds: now, but not before that of the chat's last message.

    Unless that is far ahead: then the clock was wrong when it was sent, and a message is dated before it rather than
    wrongly, too. The order of messages is that of their sequence in any case.
    """
    if chat.last_message_at is None:
        return now
    last = to_milliseconds(chat.last_message_at)
    if last - now > MOST_AHEAD_MILLISECONDS:
        logger.warning("the clock is %d s behind the last message of chat %s", (last - now) // 1000, chat.id)
        return now
    return max(now, last)


def with_message(chat: Chat, message: Message) -> Chat:
    """Adjust the chat's counters to its new message."""
    return msgspec.structs.replace(
        chat,
        members=tuple(_with_unread(member, message) for member in chat.members),
        last_sequence=message.sequence,
        message_count=chat.message_count + 1,
        last_message_at=message.created_at,
        updated_at=message.created_at,
    )


def _with_unread(member: Member, message: Message) -> Member:
    if member.user == message.sender:
        return member
    return Member(
        user=member.user,
        is_participant=member.is_participant,
        unread=member.unread + 1,
        has_blocked=member.has_blocked,
    )


def reactions_with(message: Message, by: UserKey, emoji: str | None) -> tuple[Reaction, ...]:
    """Return the reactions with this user's set, or taken back for None; the same object if nothing changes."""
    if emoji == next((reaction.emoji for reaction in message.reactions if reaction.user == by), None):
        return message.reactions
    kept = tuple(reaction for reaction in message.reactions if reaction.user != by)
    return kept if emoji is None else (*kept, Reaction(user=by, emoji=emoji))
