"""Opening a chat or a ticket: whoever does so gets what they have not received, then what comes."""

from collections.abc import Callable
from typing import Final, TypeAlias, final

from slysock import Socket
from slysock.systems.domain import Domain, DomainError, KnownUsers
from slysock_store import MAX_LIMIT, Chat, Message, User

from .sessions import Session

MAX_PAGES: Final = 4
"""How many pages of messages one opening hands over, so that they fit an outbox; the rest comes with the next."""

HandOver: TypeAlias = Callable[[Socket, Chat, Message, User], object]
"""Sends a socket a message and who wrote it."""


@final
class Opening:
    """What chats and tickets have in common here."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    async def open(self, socket: Socket, session: Session, chat: Chat, room: str, hand_over: HandOver) -> None:
        """Join the room, then hand over what has waited, oldest first, behind the acknowledgement.

        A message that is stored meanwhile comes one of the two ways. What was handed over counts as delivered when it
        has been received; until then it is handed over again.
        """
        was_open = room in socket.rooms
        socket.join(room)
        try:
            waiting = await self._waiting(chat, session)
            senders = await self._domain.users.find({message.sender for message in waiting})
        except DomainError:
            if not was_open:
                socket.leave(room)
            raise
        if waiting:
            socket.after_ack(self._hand_over, socket, session, chat, waiting, senders, hand_over)

    async def _waiting(self, chat: Chat, session: Session) -> list[Message]:
        found: list[Message] = []
        for _ in range(MAX_PAGES):
            before = found[-1].id if found else None
            page = (await self._domain.messages.waiting(session.key, chat=chat, before=before, limit=MAX_LIMIT)).page
            found.extend(page.items)
            if len(page.items) < MAX_LIMIT:
                break
        return found[::-1]

    def _hand_over(
        self,
        socket: Socket,
        session: Session,
        chat: Chat,
        waiting: list[Message],
        senders: KnownUsers,
        hand_over: HandOver,
    ) -> None:
        deliveries = self._domain.deliveries
        new = [message for message in waiting if socket.id not in deliveries.holders(session.key, message.id)]
        for message in new:
            hand_over(socket, chat, message, senders[message.sender])
        deliveries.sent(session.key, (socket,), [message.id for message in new])
