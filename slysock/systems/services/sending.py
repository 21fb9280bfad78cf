"""Chats of a client and a provider: joined, left, written in, read."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, DomainError, NotAllowed
from slysock.systems.domain.posts import Post, Posts
from slysock_store import AddedMessage, Chat

from .access import Access, tell, tell_with_self
from .chats import side_of
from .failures import ChatDone, Counted, MessageSent
from .payloads import MarkMessagesRead, RecordId, SendMessage
from .people import Session
from .rooms import chat_room, personal_room
from .shapes import MessageNotificationShape, MessageShape, MessagesReadShape
from .statuses import Statuses
from .views import id_of, message_shape, other_side

NEW_MESSAGE: Final = "new-message"
MESSAGE_NOTIFICATION: Final = "message-notification"
MESSAGES_READ: Final = "messages-read"


@final
class Sending:
    """The events of chats, but for typing."""

    def __init__(self, domain: Domain, posts: Posts, access: Access, statuses: Statuses) -> None:
        self._domain = domain
        self._posts = posts
        self._access = access
        self._statuses = statuses

    async def join_chat(self, socket: Socket, chat_id: RecordId) -> ChatDone:
        """Open a chat: what waited for the user counts as delivered, and new messages come as `new-message`."""
        session = await self._access.session_of(socket)
        chat = await self._access.chat(chat_id, user=session.key)
        await self._open(socket, session, chat)
        return ChatDone(chat_id=chat_id)

    async def _open(self, socket: Socket, session: Session, chat: Chat) -> None:
        """Join the room, then mark what has waited: a message that is being stored meanwhile is seen by one of both."""
        room = chat_room(id_of(chat))
        was_open = room in socket.rooms
        socket.join(room)
        try:
            await self._domain.receipts.mark_delivered(chat, user=session.key)
        except DomainError:
            if not was_open:
                socket.leave(room)
            raise

    async def leave_chat(self, socket: Socket, chat_id: RecordId) -> ChatDone:
        """Close a chat again; one that is not open changes nothing."""
        session = await self._access.session_of(socket)
        await self._access.chat(chat_id, user=session.key)
        socket.leave(chat_room(chat_id))
        return ChatDone(chat_id=chat_id)

    async def send_message(self, socket: Socket, payload: SendMessage) -> MessageSent:
        """Store a message. Whoever has the chat open gets `new-message`, the receiver `message-notification`, too.

        A retry is answered with the first result and told to nobody.
        """
        session = await self._access.session_of(socket)
        chat = await self._access.chat(payload.chat_id, user=session.key)
        await self._require_sides(chat, session)
        stored = await self._posts.post(
            self._post(socket, session, chat, payload), lambda stored: _announce(socket, session, stored)
        )
        return MessageSent(message=_shown(stored, session))

    async def mark_messages_read(self, socket: Socket, payload: MarkMessagesRead) -> Counted:
        """Mark everything that the other side has written as read, and tell whoever has the chat open."""
        session = await self._access.session_of(socket)
        chat = await self._access.chat(payload.chat_id, user=session.key)
        marked = await self._domain.receipts.mark_read(chat, reader=session.key)
        read = MessagesReadShape(user_id=session.key, chat_id=payload.chat_id)
        tell_with_self(socket, (chat_room(payload.chat_id),), MESSAGES_READ, read)
        return Counted(count=marked.count)

    async def _require_sides(self, chat: Chat, session: Session) -> None:
        """Let a client write to a provider and the reverse. A role that nobody has told of is the one in the chat.

        Raises:
            NotAllowed: one of them has another role by now.
        """
        receiver = await self._access.maybe_user(other_side(chat, session.key))
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
            readers=lambda: self._access.users_in(socket, room),
        )


def _announce(socket: Socket, session: Session, stored: AddedMessage) -> None:
    """Schedule what is told. No waiting: the message is durable and the next one is close behind."""
    message = _shown(stored, session)
    receiver = other_side(stored.chat, session.key)
    notification = MessageNotificationShape(
        chat_id=message.chat_id, message=message, unread_count=stored.chat.unread_of(receiver)
    )
    tell_with_self(socket, (chat_room(id_of(stored.chat)),), NEW_MESSAGE, message)
    tell(socket, personal_room(receiver), MESSAGE_NOTIFICATION, notification)


def _shown(stored: AddedMessage, sender: Session) -> MessageShape:
    return message_shape(stored.chat, stored.message, sender.user)
