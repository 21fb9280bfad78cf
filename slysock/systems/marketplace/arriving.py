"""The namespace `/chat` when somebody connects: who may, and what they get at once."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, NotAllowed
from slysock_store import UserKey

from .envelope import Envelope, paginate
from .payloads import DEFAULT_PAGE_SIZE, ListChats
from .people import Person
from .reading import USER_CHATS, Reading
from .sessions import Session
from .views import missed_messages

OFFLINE_MESSAGES: Final = "offlineMessages"

PRESENCE_GRACE_SECONDS: Final = 1.0
"""How long `/chat` waits for its user to be online: clients open both namespaces at once, in any order."""

MAX_OFFLINE_PAGES: Final = 50
"""A thousand messages at one connect; the rest waits for the next, and is in the history of its chats."""


@final
class Arriving:
    """What somebody who connects to `/chat` must fulfil, and what they get."""

    def __init__(self, domain: Domain, reading: Reading) -> None:
        self._domain = domain
        self._reading = reading

    async def require_online(self, person: Person) -> None:
        """Refuse whoever is not in `/presence`.

        Raises:
            NotAllowed: they are not there, and do not come in time.
        """
        if not await self._domain.online.wait_for(person.key, within_seconds=PRESENCE_GRACE_SECONDS):
            raise NotAllowed("You are not online: connect to /presence first")

    async def welcome(self, socket: Socket, session: Session) -> None:
        """Send the user's chats and what they have missed."""
        chats = await self._reading.page(session.person, ListChats())
        socket.emit(USER_CHATS, Envelope(message="Chats have been sent successfully", data=chats))
        await self._send_missed(socket, session.person.key)

    async def _send_missed(self, socket: Socket, user: UserKey) -> None:
        """Send the messages that the user has not received, page by page; one empty page if there are none.

        Without those that this socket got live meanwhile.
        """
        total, before = 0, None
        for number in range(1, MAX_OFFLINE_PAGES + 1):
            waiting = await self._domain.messages.waiting(user, before=before, limit=DEFAULT_PAGE_SIZE)
            items, deliveries = waiting.page.items, self._domain.deliveries
            total = waiting.page.total_records if number == 1 else total
            new = tuple(item for item in items if socket.id not in deliveries.holders(user, item.id))
            if new or number == 1:
                data = missed_messages(
                    new, waiting.chats, paginate(page=number, limit=DEFAULT_PAGE_SIZE, total_records=total)
                )
                socket.emit(
                    OFFLINE_MESSAGES, Envelope(message="Offline messages has been sent successfully", data=data)
                )
                deliveries.sent(user, (socket,), [item.id for item in new])
            if len(items) < DEFAULT_PAGE_SIZE:
                return
            before = items[-1].id
