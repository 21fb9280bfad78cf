"""`sendMessage`: stored, acknowledged, then told."""

import secrets
from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, Draft, Sent
from slysock_store import JsonObject, Message

from .desk import Desk, tell
from .envelope import Envelope
from .gate import Session
from .payloads import Media, SendMessage
from .people import Person, product_chat
from .views import message_shape, new_chat

RECEIVE_MESSAGE: Final = "receiveMessage"
NEW_CHAT: Final = "newChat"

_RECORD_ID_BYTES: Final = 12  # 24 digits, as all ids of the document


@final
class Sending:
    """Messages on their way."""

    def __init__(self, domain: Domain, desk: Desk) -> None:
        self._domain = domain
        self._desk = desk

    async def send_message(self, socket: Socket, payload: SendMessage) -> Envelope:
        """Store a message, in a new chat if there is none.

        The sender's sockets get `receiveMessage`; so do the recipient's, or `newChat` where the message begins one. A
        recipient who is not there gets it among the `offlineMessages`. A retry is answered and told to nobody.
        """
        session = self._desk.session_of(socket)
        recipient = await self._desk.counterpart(session.person, payload)
        sent = await self._domain.messages.send(
            _draft(session.person, recipient, payload), lambda sent: _announce(socket, session, recipient, sent)
        )
        return _received(sent.stored.message)


def _announce(socket: Socket, session: Session, recipient: Person, sent: Sent) -> None:
    """Schedule what both sides are told. No waiting: the message is durable and the next one is close behind."""
    received = _received(sent.stored.message)
    if sent.tell_recipient and not sent.stored.created_chat:
        tell(socket, RECEIVE_MESSAGE, received, session.person, recipient)
        return
    tell(socket, RECEIVE_MESSAGE, received, session.person)
    if sent.tell_recipient:
        users = {session.person.key: session.user}
        chat = new_chat(sent.stored.chat, sent.stored.message, recipient, users)
        tell(socket, NEW_CHAT, Envelope(message=chat), recipient)


def _received(message: Message) -> Envelope:
    return Envelope(data=[message_shape(message)])


def _draft(sender: Person, recipient: Person, payload: SendMessage) -> Draft:
    return Draft(
        chat=product_chat(sender, recipient, payload.product_id),
        sender=sender.key,
        recipient=recipient.key,
        text=payload.text,
        attachments=tuple(_attachment(media) for media in payload.medias or ()),
        client_message_id=payload.client_message_id,
    )


def _attachment(media: Media) -> JsonObject:
    """Describe a media as the store keeps it; sizes are text on the wire."""
    return {
        "id": secrets.token_hex(_RECORD_ID_BYTES),
        "imageUrl": media.image_url,
        "size": None if media.size is None else str(media.size),
        "mimeType": media.mime_type,
    }
