"""`deleteMessage`: only the sender can delete a message, and it is gone for both sides."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock_store import MessageId

from .access import Access
from .announcing import tell
from .envelope import Envelope, signal
from .payloads import DeleteMessage
from .sessions import Sessions

MESSAGE_DELETED: Final = "messageDeleted"


@final
class Changing:
    """The deletion of messages."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access) -> None:
        self._domain = domain
        self._sessions = sessions
        self._access = access

    async def delete_message(self, socket: Socket, payload: DeleteMessage) -> Envelope:
        """Delete a message and tell both sides; a repetition is answered, but nobody is told."""
        person = self._sessions.session_of(socket).person
        chat = await self._access.chat(person, payload)
        deleted = await self._domain.messages.delete(MessageId(payload.message_id), chat=chat, by=person.key)
        envelope = signal("Message has been deleted successfully")
        if deleted.changed:
            for side in (person, person.counterpart(payload.recipient_id)):
                tell(socket, MESSAGE_DELETED, envelope, side.room)
        return envelope
