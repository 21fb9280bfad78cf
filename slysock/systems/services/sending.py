"""`send-message`: stored, acknowledged, then told."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import NotAllowed
from slysock.systems.domain.posts import Post, Posts
from slysock_store import AddedMessage, Chat

from .access import Access
from .announcing import tell, tell_with_self
from .chats import side_of
from .payloads import SendMessage
from .rooms import chat_room, personal_room
from .sessions import Session, Sessions, users_in
from .shapes import MessageNotificationShape, MessageSent, MessageShape
from .statuses import Statuses
from .views import id_of, message_shape, other_side

NEW_MESSAGE: Final = "new-message"
MESSAGE_NOTIFICATION: Final = "message-notification"


@final
class Sending:
    """The way of a message between a client and a provider."""

    def __init__(self, sessions: Sessions, access: Access, posts: Posts, statuses: Statuses) -> None:
        self._sessions = sessions
        self._access = access
        self._posts = posts
        self._statuses = statuses

    async def send_message(self, socket: Socket, payload: SendMessage) -> MessageSent:
        """Store a message. Whoever has the chat open gets `new-message`; the receiver also gets `message-notification`.

        A retry is answered with the first result and not announced.
        """
        session = await self._sessions.session_of(socket)
        chat = await self._access.chat(payload.chat_id, user=session.key)
        await self._require_sides(chat, session)
        stored = await self._posts.post(
            self._post(socket, session, chat, payload), lambda stored: _announce(socket, session, stored)
        )
        return MessageSent(message=_shown(stored, session))

    async def _require_sides(self, chat: Chat, session: Session) -> None:
        """Let a client write to a provider and the reverse. A user of unknown role has the one in the chat.

        Raises:
            NotAllowed: one of them has another role by now.
        """
        receiver = await self._sessions.maybe_user(other_side(chat, session.key))
        sides = [session.user] if receiver is None else [session.user, receiver]
        if any(user.role not in ("", side_of(chat, user.key)) for user in sides):
            raise NotAllowed("Messages go between a client and a provider")

    def _post(self, socket: Socket, session: Session, chat: Chat, payload: SendMessage) -> Post:
        receiver, room = other_side(chat, session.key), chat_room(payload.chat_id)
        return Post(
            chat=chat,
            sender=session.key,
            recipient=receiver,
            kind=payload.message_type,
            text=payload.content,
            attachments=payload.stored_media(),
            client_message_id=payload.client_message_id,
            recipient_online=self._statuses.is_online(receiver),
            readers=lambda: users_in(socket, room),
        )


def _announce(socket: Socket, session: Session, stored: AddedMessage) -> None:
    """Schedule the announcement. Does not wait: the message is durable and the next one is close behind."""
    message = _shown(stored, session)
    receiver = other_side(stored.chat, session.key)
    notification = MessageNotificationShape(
        chat_id=message.chat_id, message=message, unread_count=stored.chat.unread_of(receiver)
    )
    tell_with_self(socket, (chat_room(id_of(stored.chat)),), NEW_MESSAGE, message)
    tell(socket, personal_room(receiver), MESSAGE_NOTIFICATION, notification)


def _shown(stored: AddedMessage, sender: Session) -> MessageShape:
    return message_shape(stored.chat, stored.message, sender.user)
