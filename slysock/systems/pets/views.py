"""From records to shapes. Pure: the caller has read the records."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from msgspec import UNSET

from slysock.systems.domain import KnownUsers
from slysock.systems.domain.profiles import name_in, text_in
from slysock.systems.domain.times import wire_time
from slysock_store import Chat, ChatId, Json, JsonObject, Message, Page, Reference, UserKey

from .shapes import (
    ChatPage,
    ChatShape,
    ImageShape,
    LastMessageShape,
    ListingShape,
    MessagePage,
    MessageShape,
    PaginationOfChats,
    PaginationOfMessages,
    PersonShape,
    ReactionShape,
    SenderShape,
    UnreadShape,
)

KnownListings: TypeAlias = Mapping[str, Reference]
"""Listings by the id of their pet, without those that are unknown."""
LatestMessages: TypeAlias = Mapping[ChatId, Sequence[Message]]

_NOBODY: JsonObject = {}


def person_shape(key: UserKey, users: KnownUsers) -> PersonShape:
    """Show a participant."""
    profile = _profile(key, users)
    return PersonShape(
        id=key,
        name=name_in(profile, "name", "fullName"),
        email=text_in(profile, "email"),
        profile_picture=_picture(profile),
    )


def sender_shape(key: UserKey, users: KnownUsers) -> SenderShape:
    """Show who wrote a message, with nothing that a stranger need not know."""
    profile = _profile(key, users)
    return SenderShape(id=key, name=name_in(profile, "name", "fullName"), profile_picture=_picture(profile))


def listing_shape(pet_id: str, listings: KnownListings) -> ListingShape:
    """Show what a chat is about."""
    listing = listings.get(pet_id)
    data = _NOBODY if listing is None else listing.data
    return ListingShape(
        id=pet_id,
        title=text_in(data, "title"),
        images=_images(data.get("images")),
        price=_number(data.get("price")),
        address=text_in(data, "address"),
    )


def chat_shape(chat: Chat, latest: Sequence[Message], users: KnownUsers, listings: KnownListings) -> ChatShape:
    """Show a chat to its participants."""
    pet_id = chat.reference
    return ChatShape(
        id=chat.id,
        participants=[person_shape(key, users) for key in chat.participants],
        pet_listing=listing_shape(pet_id, listings) if isinstance(pet_id, str) else None,
        chat_type=chat.kind,
        last_message=_last_message(latest[0]) if latest else None,
        last_message_time=wire_time(chat.last_message_at or chat.created_at),
        is_active=True,
        blocked_by=list(chat.blocked_by),
        unread_count=[UnreadShape(user_id=key, count=chat.unread_of(key)) for key in chat.participants],
        created_at=wire_time(chat.created_at),
        updated_at=wire_time(chat.updated_at),
    )


def chat_page(page: Page[Chat], latest: LatestMessages, users: KnownUsers, listings: KnownListings) -> ChatPage:
    """Show a page of somebody's chats."""
    return ChatPage(
        chats=[chat_shape(chat, latest.get(chat.id, ()), users, listings) for chat in page.items],
        pagination=PaginationOfChats(
            current_page=page.page,
            total_pages=page.total_pages,
            total_chats=page.total_records,
            has_more=page.has_next,
        ),
    )


def message_page(page: Page[Message], chat: Chat, users: KnownUsers) -> MessagePage:
    """Show a page of a chat's messages, oldest first."""
    return MessagePage(
        messages=[message_shape(message, chat, users) for message in reversed(page.items)],
        pagination=PaginationOfMessages(
            current_page=page.page,
            total_pages=page.total_pages,
            total_messages=page.total_records,
            has_more=page.has_next,
        ),
    )


def message_shape(
    message: Message, chat: Chat, users: KnownUsers, *, reached: Collection[UserKey] = ()
) -> MessageShape:
    """Show a message.

    No event says later that it was delivered, so one that is on its way to participants who are there is shown so, by
    `reached`; what the store says is true once it was received.
    """
    return MessageShape(
        id=message.id,
        chat=message.chat_id,
        sender=sender_shape(message.sender, users),
        message_type=message.kind,
        content=_content(message),
        media_url=None if message.is_deleted else maybe_media_url(message),
        read_by=list(message.read_by),
        status=_status(message, chat, reached),
        parent_message=message.reply_to,
        reactions=reaction_shapes(message),
        is_edited=message.is_edited,
        is_deleted=message.is_deleted,
        created_at=wire_time(message.created_at),
        updated_at=wire_time(message.updated_at),
        client_message_id=message.client_message_id or UNSET,
    )


def reaction_shapes(message: Message) -> list[ReactionShape]:
    """Show the reactions to a message; a deleted one has none."""
    if message.is_deleted:
        return []
    return [ReactionShape(reactor=reaction.user, emoji=reaction.emoji) for reaction in message.reactions]


def maybe_media_url(message: Message) -> str | None:
    """Return the name of a message's media; None if it has none."""
    return text_in(message.attachments[0], "url") if message.attachments else None


def _content(message: Message) -> str:
    return "" if message.is_deleted else message.text or ""


def _last_message(message: Message) -> LastMessageShape:
    return LastMessageShape(id=message.id, content=_content(message), created_at=wire_time(message.created_at))


def _status(message: Message, chat: Chat, reached: Collection[UserKey]) -> str:
    others = set(chat.participants) - {message.sender}
    if others and others <= set(message.read_by):
        return "read"
    # Whom a deleted one had reached unread is not kept; nothing of it is on its way any more, so it does not fall back.
    has_reached = message.is_deleted or others <= {*message.delivered_to, *reached}
    return "delivered" if others and has_reached else "sent"


def _profile(key: UserKey, users: KnownUsers) -> JsonObject:
    user = users.get(key)
    return _NOBODY if user is None else user.profile


def _picture(profile: JsonObject) -> str | None:
    return text_in(profile, "profilePicture", "profilePictureUrl", "avatar")


def _images(value: Json) -> list[ImageShape]:
    entries = value if isinstance(value, list | tuple) else ()
    return [ImageShape(url=url) for entry in entries if (url := _url(entry)) is not None]


def _url(entry: Json) -> str | None:
    return text_in(entry, "url") if isinstance(entry, Mapping) else None


def _number(value: Json) -> float | int | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
