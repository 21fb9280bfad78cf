"""The namespace `/presence`: whoever is connected to it is online."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Final, final

from slysock.systems.domain import Chats, Domain, Presence
from slysock_store import UserKey

from .announcing import Announcer
from .envelope import Envelope
from .people import Person, person_from_key
from .shapes import PresenceShape

ONLINE_EVENT: Final = "userIsOnline"
OFFLINE_EVENT: Final = "userIsOffline"


@final
class PresenceEvents:
    """What others are told when somebody comes or goes."""

    def __init__(self, domain: Domain, announcer: Announcer) -> None:
        self._domain = domain
        self._announcer = announcer

    async def come_online(self, user: UserKey) -> None:
        """Announce that a user's first socket has come."""
        await self._domain.users.touch(user)
        await self._announce(user, is_online=True)

    async def go_offline(self, user: UserKey) -> None:
        """Announce that a user's last socket has gone."""
        await self._domain.users.touch(user)
        await self._announce(user, is_online=False)

    async def _announce(self, user: UserKey, *, is_online: bool) -> None:
        await tell_companions(user, self._domain.chats, self._domain.online, self._announcer, is_online=is_online)


async def tell_companions(
    user: UserKey, chats: Chats, presence: Presence, announcer: Announcer, *, is_online: bool
) -> None:
    """Tell those who are online and have a chat with a user that the user has come or gone.

    Ends at once if the user has come back, or gone again, in the meantime: a later announcement says so.
    """
    event, envelope = announcement(person_from_key(user), is_online=is_online)
    is_here: Callable[[UserKey], bool] = presence.is_here
    async with aclosing(chats.companions(user)) as pages:
        async for companions in pages:
            if is_here(user) is not is_online:
                return
            announcer.tell(filter(is_here, companions), event, envelope)


def announcement(person: Person, *, is_online: bool) -> tuple[str, Envelope]:
    """Make the event and its envelope."""
    data = PresenceShape(user_id=person.id, user_type=person.role)
    if is_online:
        return ONLINE_EVENT, Envelope(message="User is online", data=data)
    return OFFLINE_EVENT, Envelope(message="User has gone offline", data=data)
