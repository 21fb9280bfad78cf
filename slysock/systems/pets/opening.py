"""How chats are created."""

from typing import Final, final

import msgspec
from msgspec import Struct

from slysock.systems.domain import Domain, Invalid
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.references import References
from slysock_store import ChatKey, NewChat, UserKey

from .payloads import CreateChat
from .sessions import Session
from .shapes import ChatShape
from .views import KnownListings, chat_shape

DIRECT: Final = "direct"
PET_INQUIRY: Final = "pet_inquiry"


@final
class Created(Struct, frozen=True, kw_only=True):
    """A chat, and whether it was just created."""

    chat: ChatShape
    is_new: bool


@final
class Opening:
    """New chats."""

    def __init__(self, domain: Domain, all_chats: AllChats, listings: References) -> None:
        self._domain = domain
        self._all_chats = all_chats
        self._listings = listings

    async def create(self, user: Session, wish: CreateChat) -> Created:
        """Return the chat with somebody about a pet, or without one; create it if there is none.

        A new chat includes the pet's owner, if known, whoever it is with.

        Raises:
            Invalid: a chat with oneself.
        """
        other = UserKey(wish.participant_id)
        if other == user.key:
            raise Invalid("You cannot chat with yourself")
        listings = await self._listings.find(() if wish.pet_id is None else (wish.pet_id,))
        ensured = await self._all_chats.ensure(_new_chat(user.key, other, wish, listings))
        latest = await self._domain.chats.latest_messages((ensured.chat,), limit_each=1)
        users = await self._domain.users.find(ensured.chat.participants)
        shape = chat_shape(ensured.chat, latest.get(ensured.chat.id, ()), users, listings)
        return Created(chat=shape, is_new=ensured.created)


def _new_chat(user: UserKey, other: UserKey, wish: CreateChat, listings: KnownListings) -> NewChat:
    kind = wish.chat_type or (DIRECT if wish.pet_id is None else PET_INQUIRY)
    owner = _maybe_owner(wish, listings)
    return NewChat(
        kind=kind,
        # Ids may hold any character: JSON keeps them apart.
        key=ChatKey(msgspec.json.encode([kind, wish.pet_id, *sorted((user, other))]).decode()),
        participants=(user, other) if owner is None else (user, other, owner),
        reference=wish.pet_id,
    )


def _maybe_owner(wish: CreateChat, listings: KnownListings) -> UserKey | None:
    listing = None if wish.pet_id is None else listings.get(wish.pet_id)
    owner = None if listing is None else listing.data.get("ownerId")
    return UserKey(owner) if isinstance(owner, str) else None
