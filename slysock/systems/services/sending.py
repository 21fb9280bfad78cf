"""`send-message`: stored, acknowledged, then told."""

from functools import partial
from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, NotAllowed
from slysock.systems.domain.posts import Post, Posts
from slysock_store import AddedMessage, Chat

from .access import Access
from .announcing import deliver_to_members, lacking_sockets, tell
from .chats import side_of
from .payloads import SendMessage
from .rooms import chat_room, personal_room
from .sessions import Session, Sessions, sockets_in
from .shapes import MessageNotificationShape, MessageSent, MessageShape
from .statuses import Statuses
from .views import id_of, message_shape, other_side

NEW_MESSAGE: Final = "new-message"
MESSAGE_NOTIFICATION: Final = "message-notification"


@final
class Sending:
    """The way of a message between a client and a provider."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access, posts: Posts, statuses: Statuses) -> None:
        self._deliveries = domain.deliveries
        self._sessions = sessions
        self._access = access
        self._posts = posts
        self._statuses = statuses

    async def send_message(self, socket: Socket, payload: SendMessage) -> MessageSent:
        """Store a message. Whoever has the chat open gets `new-message`; the receiver also gets `message-notification`.

        A retry is answered with the first result; it is announced to the receiver alone, and only if no socket of
        theirs was sent it yet.
        """
        session = await self._sessions.session_of(socket)
        chat = await self._access.chat(payload.chat_id, user=session.key)
        await self._require_sides(chat, session)
        stored = await self._posts.post(
            self._post(session, chat, payload),
            partial(self._announce, socket, session),
            partial(self._announce_again, socket, session),
        )
        return MessageSent(message=_shown(socket, stored, session))

    async def _require_sides(self, chat: Chat, session: Session) -> None:
        """Let a client write to a provider and the reverse. A user of unknown role has the one in the chat.

        Raises:
            NotAllowed: one of them has another role by now.
        """
        receiver = await self._sessions.maybe_user(other_side(chat, session.key))
        sides = [session.user] if receiver is None else [session.user, receiver]
        if any(user.role not in ("", side_of(chat, user.key)) for user in sides):
            raise NotAllowed("Messages go between a client and a provider")

    def _post(self, session: Session, chat: Chat, payload: SendMessage) -> Post:
        receiver = other_side(chat, session.key)
        return Post(
            chat=chat,
            sender=session.key,
            recipient=receiver,
            kind=payload.message_type,
            text=payload.content,
            attachments=payload.stored_media(),
            client_message_id=payload.client_message_id,
            recipient_online=self._statuses.is_online(receiver),
        )

    def _announce(self, socket: Socket, session: Session, stored: AddedMessage) -> None:
        """Schedule the announcement. Does not wait: the message is durable and the next one is close behind."""
        self._tell(socket, session, stored, (chat_room(id_of(stored.chat)), socket.id))

    def _announce_again(self, socket: Socket, session: Session, stored: AddedMessage) -> None:
        room = chat_room(id_of(stored.chat))
        lacking = lacking_sockets(socket, (room,), stored, self._deliveries)
        if lacking:
            self._tell(socket, session, stored, lacking)

    def _tell(self, socket: Socket, session: Session, stored: AddedMessage, rooms: tuple[str, ...]) -> None:
        message = _shown(socket, stored, session)
        receiver = other_side(stored.chat, session.key)
        notification = MessageNotificationShape(
            chat_id=message.chat_id, message=message, unread_count=stored.chat.unread_of(receiver)
        )
        socket.after_ack(deliver_to_members, socket, rooms, NEW_MESSAGE, message, stored, self._deliveries)
        tell(socket, personal_room(receiver), MESSAGE_NOTIFICATION, notification)


def _shown(socket: Socket, stored: AddedMessage, sender: Session) -> MessageShape:
    receiver, room = other_side(stored.chat, sender.key), chat_room(id_of(stored.chat))
    has_it_open = any(user == receiver for user, _ in sockets_in(socket, room))
    return message_shape(stored.chat, stored.message, sender.user, is_handed_over=has_it_open)
