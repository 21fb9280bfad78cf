"""The namespace `/presence`: whoever is connected to it is online."""

from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final, final

from slysock import DisconnectReason, Router, Socket
from slysock.systems.admission import RefreshToken
from slysock.systems.domain import ConnectionKey, Domain, DomainError
from slysock_store import UserKey

from .announcing import Announcer
from .envelope import Envelope
from .people import Person, person_from_key, person_of
from .sessions import Sessions, answer_error, show_out
from .shapes import PresenceShape

PRESENCE: Final = "/presence"
ONLINE_EVENT: Final = "userIsOnline"
OFFLINE_EVENT: Final = "userIsOffline"


@final
class PresenceEvents:
    """What happens in `/presence`."""

    def __init__(self, domain: Domain, sessions: Sessions, announcer: Announcer) -> None:
        self._domain = domain
        self._sessions = sessions
        self._announcer = announcer

    async def connect(self, socket: Socket) -> None:
        """Count a socket, then do what may take its time: `/chat` may be asking already."""
        try:
            identity = await self._sessions.identify(socket)
            person = person_of(identity)
            is_first = self._domain.online.arrive(person.key, ConnectionKey(socket.id))
            await self._sessions.admit(socket, identity)
            if is_first:
                await self._domain.users.touch(person.key)
                await self._announce(person, is_online=True)
        except DomainError as error:
            show_out(socket, error)
        except Exception as error:
            show_out(socket, error)
            raise

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - shape of a hook
        """Forget a socket; the user's last one takes them offline."""
        self._sessions.leave(socket)
        gone = self._domain.online.leave(ConnectionKey(socket.id))
        if gone is not None:
            with suppress(DomainError):  # the store is out of order, which has been logged
                await self._domain.users.touch(gone)
                await self._announce(person_from_key(gone), is_online=False)

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Envelope:
        """`refreshToken`; see Sessions.refresh."""
        return await self._sessions.refresh(socket, payload)

    async def _announce(self, person: Person, *, is_online: bool) -> None:
        """Tell those whom the user has a chat with, and who are online to hear it.

        Ends at once when the user has come back, or gone again, in the meantime: that announcement is the later one.
        """
        event, envelope = announcement(person, is_online=is_online)
        is_here: Callable[[UserKey], bool] = self._domain.online.is_here
        async with aclosing(self._domain.chats.companions(person.key)) as pages:
            async for companions in pages:
                if is_here(person.key) is not is_online:
                    return
                self._announcer.tell(filter(is_here, companions), event, envelope)


def announcement(person: Person, *, is_online: bool) -> tuple[str, Envelope]:
    """Make the event and its envelope."""
    data = PresenceShape(user_id=person.id, user_type=person.role)
    if is_online:
        return ONLINE_EVENT, Envelope(message="User is online", data=data)
    return OFFLINE_EVENT, Envelope(message="User has gone offline", data=data)


def presence_router(domain: Domain, sessions: Sessions, announcer: Announcer) -> Router:
    """Make the router of `/presence`."""
    events = PresenceEvents(domain, sessions, announcer)
    router = Router(PRESENCE)
    router.on_connect(events.connect)
    router.on_disconnect(events.disconnect)
    router.on_error(answer_error)
    router.on("refreshToken")(events.refresh_token)
    return router
