"""Messages, texts and media: one path for events and requests."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final, final

import msgspec

import slysock_store
from slysock.systems.domain import Conflict, Domain, Invalid, Unavailable
from slysock.systems.domain.posts import Announce, Post, Posts
from slysock.systems.uploads import Upload
from slysock_store import AddedMessage, Chat, ChatId, JsonObject, MessageId

from .announcing import Announcer, Later
from .media import Media
from .payloads import (
    EMPTY_CONTENT,
    LONG_CONTENT,
    MAX_CONTENT_CHARACTERS,
    MESSAGE_TYPES,
    UNKNOWN_TYPE,
    MediaForm,
    MessageBody,
    SendMessage,
)
from .sessions import Session
from .shapes import MessageShape
from .views import message_shape

NEW_MESSAGE: Final = "newMessage"
BLOCKED: Final = "This chat is blocked"
MEDIA_FIELD: Final = "media"


@final
class Sending:
    """The way of a message into its chat."""

    def __init__(self, domain: Domain, posts: Posts, media: Media, announcer: Announcer) -> None:
        self._domain = domain
        self._posts = posts
        self._media = media
        self._announcer = announcer

    async def send(self, sender: Session, chat_id: str, body: MessageBody | SendMessage, later: Later) -> MessageShape:
        """Store a message; every participant gets `newMessage`. A retry is answered with the first.

        It is announced to those participants alone who are there, and were not sent it yet.

        No checkpoint follows the storing: a sender who has left meanwhile does not keep the others from being told.

        Raises:
            Invalid: the message is empty, too long, or of an unknown type.
            NotFound: the chat, the message to reply to, or the file does not exist or is not theirs.
            Conflict: a participant has blocked the chat.
        """
        text = checked_content(body.content, body.message_type, has_media=bool(body.media_url))
        chat = await self._domain.chats.get(ChatId(chat_id), user=sender.key)
        if body.media_url:
            await self._media.check(body.media_url, chat)
        attachments: tuple[JsonObject, ...] = ({"url": body.media_url},) if body.media_url else ()
        post = self._post(sender, chat, text, body.message_type, attachments, body)
        if body.media_url:
            post = msgspec.structs.replace(post, changes=self._media.used_by(body.media_url))
        announce = partial(self._announce, sender, later)
        return self._seen(sender, await self._store(post, announce, announce))

    async def send_media(
        self,
        sender: Session,
        chat_id: str,
        body: AsyncIterator[bytes],
        boundary: str,
        later: Later,
        *,
        expected_bytes: int = 0,
    ) -> MessageShape:
        """Receive a file and store its message; nothing of the file stays unless the message does.

        `expected_bytes` is what the body is said to hold.

        Raises:
            UploadError: the file is not accepted.
            DomainError: as `send`; if it is known in advance, nothing of the file is read.
        """
        chat = await self._domain.chats.get(ChatId(chat_id), user=sender.key)
        refuse_blocked(chat)
        receiving = self._media.folder.receive(
            body,
            boundary,
            file_field=MEDIA_FIELD,
            owner=sender.key,
            expected_bytes=expected_bytes,
            allow=await self._media.allowance(sender.key),
        )
        async with receiving as upload:
            form = _read_fields(upload)
            text = checked_content(form.content, upload.kind.type, has_media=True)
            name = await upload.keep(chat.id)
            post = self._post(sender, chat, text, upload.kind.type, ({"url": name},), form)
            post = msgspec.structs.replace(post, changes=self._media.registered(name, upload, chat, sender.key))
            return self._seen(sender, await self._post_with_file(post, sender, upload, later))

    async def _post_with_file(self, post: Post, sender: Session, upload: Upload, later: Later) -> AddedMessage:
        def announce(added: AddedMessage) -> None:
            upload.want()
            self._announce(sender, later, added)

        try:
            return await self._store(post, announce, partial(self._announce, sender, later))
        except Unavailable as error:
            cause = error.__cause__
            if isinstance(cause, slysock_store.StoreUnavailable) and cause.outcome_unknown:
                upload.leave_in_doubt()
            raise

    async def _store(self, post: Post, announce: Announce, again: Announce) -> AddedMessage:
        try:
            return await self._posts.post(post, announce, again)
        except Conflict as error:  # no chat of this system is closed in another way
            raise Conflict(BLOCKED) from error

    def _post(
        self,
        sender: Session,
        chat: Chat,
        text: str,
        kind: str,
        attachments: tuple[JsonObject, ...],
        extras: MessageBody | SendMessage | MediaForm,
    ) -> Post:
        parent = extras.parent_message_id
        return Post(
            chat=chat,
            sender=sender.key,
            kind=kind,
            text=text,
            attachments=attachments,
            reply_to=None if parent is None else MessageId(parent),
            client_message_id=extras.client_message_id,
        )

    def _announce(self, sender: Session, later: Later, added: AddedMessage) -> None:
        shape = self._seen(sender, added)
        later(added.chat.id, partial(self._announcer.deliver, added, NEW_MESSAGE, shape))

    def _seen(self, sender: Session, added: AddedMessage) -> MessageShape:
        here = [user for user in added.chat.participants if self._domain.listening.is_here(user)]
        return message_shape(added.message, added.chat, {sender.key: sender.user}, reached=here)


def checked_content(content: str | None, message_type: str, *, has_media: bool) -> str:
    """Check the content of a message, with the document's errors; return it trimmed.

    Raises:
        Invalid: the message is empty, too long, or of an unknown type.
    """
    text = (content or "").strip()
    if message_type not in MESSAGE_TYPES:
        raise Invalid(UNKNOWN_TYPE)
    if not text and (message_type == "text" or not has_media):
        raise Invalid(EMPTY_CONTENT)
    if len(text) > MAX_CONTENT_CHARACTERS:
        raise Invalid(LONG_CONTENT)
    return text or f"Sent {message_type}"


def refuse_blocked(chat: Chat) -> None:
    """Refuse a message to a blocked chat.

    Raises:
        Conflict: a participant has blocked it.
    """
    if chat.blocked_by:
        raise Conflict(BLOCKED)


def _read_fields(upload: Upload) -> MediaForm:
    given = {name: value for name, value in upload.fields.items() if value}
    try:
        return msgspec.convert(given, MediaForm)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None
