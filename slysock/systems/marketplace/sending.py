"""`sendMessage`: stored, acknowledged, then told."""

import secrets
from functools import partial
from typing import Final, cast, final

import msgspec

from slysock import Namespace, Socket
from slysock.systems.delivering import deliver
from slysock.systems.domain import Domain, Draft, Sent
from slysock_store import JsonObject, Message

from .access import Access, Talk
from .announcing import tell
from .envelope import Envelope
from .payloads import Media, SendMessage
from .sessions import Session, Sessions
from .views import message_shape, new_chat

RECEIVE_MESSAGE: Final = "receiveMessage"
NEW_CHAT: Final = "newChat"

_RECORD_ID_BYTES: Final = 12  # 24 digits, as all ids of the document


@final
class Sending:
    """The way of a message."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access) -> None:
        self._domain = domain
        self._sessions = sessions
        self._access = access

    async def send_message(self, socket: Socket, payload: SendMessage) -> Envelope:
        """Store a message, in a new chat if there is none.

        The sender's sockets get `receiveMessage`; so do the recipient's, or `newChat` if the message begins one. A
        recipient who is away, or does not receive it, gets it with the `offlineMessages`. A retry is answered; only a
        recipient is told who is there and was sent nothing yet.
        """
        session = self._sessions.session_of(socket)
        talk = await self._access.talk(session.person, payload)
        announce = partial(self._announce, socket, session, talk)
        return await self._domain.messages.send(_draft(talk, payload), announce)

    def _announce(self, socket: Socket, session: Session, talk: Talk, sent: Sent) -> Envelope:
        """Schedule what both sides are told, and return the acknowledgement.

        Does not wait: the message is durable and the next one is close behind.
        """
        message, is_new = sent.stored.message, not sent.stored.is_duplicate
        received = _received(message)
        begins_chat = message.sequence == 1
        if sent.tell_recipient and not begins_chat:
            rooms = (talk.sender_room, talk.recipient_room) if is_new else (talk.recipient_room,)
            socket.after_ack(self._deliver, socket.namespace, rooms, RECEIVE_MESSAGE, received, talk, message.id)
            return received
        if is_new:
            tell(socket, RECEIVE_MESSAGE, received, talk.sender_room)
        if sent.tell_recipient:
            users = {talk.sender: session.user}
            chat = Envelope(message=new_chat(sent.stored.chat, message, talk.recipient, users))
            rooms = (talk.recipient_room,)
            socket.after_ack(self._deliver, socket.namespace, rooms, NEW_CHAT, chat, talk, message.id)
        return received

    def _deliver(
        self, namespace: Namespace, rooms: tuple[str, ...], event: str, envelope: Envelope, talk: Talk, message_id: str
    ) -> None:
        sockets = namespace.to(talk.recipient_room).sockets()
        receivers = [(talk.recipient_key, socket) for socket in sockets]
        deliver(
            namespace,
            rooms,
            event,
            envelope,
            item=message_id,
            receivers=receivers,
            deliveries=self._domain.deliveries,
        )


def _received(message: Message) -> Envelope:
    """Make the envelope of a message, reduced to dicts and lists already: it is encoded more than once."""
    reduced: object = msgspec.to_builtins(Envelope(data=[message_shape(message)]))
    return cast("Envelope", reduced)


def _draft(talk: Talk, payload: SendMessage) -> Draft:
    return Draft(
        chat=talk.chat,
        sender=talk.sender,
        recipient=talk.recipient_key,
        text=payload.text,
        attachments=tuple(_attachment(media) for media in payload.medias) if payload.medias else (),
        client_message_id=payload.client_message_id,
    )


def _attachment(media: Media) -> JsonObject:
    """Describe a picture as the store keeps it; sizes are text on the wire."""
    return {
        "id": secrets.token_hex(_RECORD_ID_BYTES),
        "imageUrl": media.image_url,
        "size": None if media.size is None else str(media.size),
        "mimeType": media.mime_type,
    }
