"""The documents of each collection, and how they become BSON and come back.

Ids are 24 hex digits as text, times BSON dates. What a user or another back-end may shape freely (profiles, extra
fields, attachments, notifications, references) is JSON text: names with `$`, `.` or NUL, large integers and the order
of fields come back as they were, and nothing in it is ever read as an operator.

`undelivered_to` of a chat repeats what `members` say, so that an index finds where something waits for a user.
"""

from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

import bson
import msgspec
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from slysock_store.errors import BadValue, StoreError
from slysock_store.progress import Progress

Document: TypeAlias = dict[str, object]

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""The most that MongoDB keeps in one document (https://www.mongodb.com/docs/manual/reference/limits/)."""

CODEC: CodecOptions[Document] = CodecOptions(document_class=dict, tz_aware=True, tzinfo=UTC)

D = TypeVar("D", bound=msgspec.Struct)


class UserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Collection `users`."""

    id: str = msgspec.field(name="_id")
    system: str
    key: str
    role: str
    profile: str
    last_active: datetime | None
    created_at: datetime
    updated_at: datetime


class MemberDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One of `members` in a chat."""

    user: str
    is_participant: bool
    has_blocked: bool
    delivered: Progress
    read: Progress


class ChatDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Collection `chats`."""

    id: str = msgspec.field(name="_id")
    system: str
    kind: str
    key: str
    reference: str
    status: str
    extra: str
    members: tuple[MemberDocument, ...]
    participants: tuple[str, ...]
    """Those of `members` that are participants, for the index."""
    undelivered_to: tuple[str, ...]
    """Those of `members` for whom messages wait to be delivered, for the index."""
    last_sequence: int
    message_count: int
    last_message_at: datetime | None
    created_at: datetime
    updated_at: datetime
    active_at: datetime
    """`last_message_at`, or `created_at` without messages; lists are ordered by it."""


class PageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Collection `receipts`: a page of bits (`slysock_store.progress`)."""

    chat_id: str
    user: str
    kind: str
    page: int
    bits: bytes


class ReactionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One of `reactions` in a message."""

    user: str
    emoji: str


class MessageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Collection `messages`."""

    id: str = msgspec.field(name="_id")
    system: str
    chat_id: str
    sequence: int
    sender: str
    recipient: str | None
    kind: str
    text: str | None
    attachments: str
    reply_to: str | None
    client_message_id: str | None
    retry_key: str | msgspec.UnsetType = msgspec.UNSET
    """Chat, sender and client message id in one: a unique index of one field finds many retries at once."""
    recipient_online: bool
    extra: str
    reactions: tuple[ReactionDocument, ...]
    read_by: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """Who had read it, if it is deleted. Otherwise the chat tells."""
    is_edited: bool
    is_deleted: bool
    created_at: datetime
    updated_at: datetime


class PlacedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What of a message decides where it is and for whom it waits."""

    id: str = msgspec.field(name="_id")
    chat_id: str
    sequence: int
    sender: str
    is_deleted: bool
    created_at: datetime


class NotificationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Collection `notifications`."""

    id: str = msgspec.field(name="_id")
    system: str
    user: str
    number: int
    """Order of arrival, from 1 for each user."""
    kind: str
    content: str
    channel: str
    priority: int
    status: str
    delivered_at: datetime | None
    read_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ReferenceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Collection `references`."""

    system: str
    kind: str
    key: str
    data: str
    created_at: datetime
    updated_at: datetime


def encode(document: msgspec.Struct) -> RawBSONDocument:
    """Write a document as BSON, ready to be sent.

    Raises:
        BadValue: a field is not of its type (nothing has checked it before), not Unicode or out of range, or the
            document is too large.
    """
    try:
        plain: Document = msgspec.to_builtins(document, builtin_types=(datetime, bytes))
        msgspec.convert(plain, type(document))
        raw = bson.encode(plain, codec_options=CODEC)
    except (BSONError, UnicodeError, OverflowError, TypeError, msgspec.MsgspecError) as error:
        raise BadValue(f"a value cannot be stored: {error}") from error
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise BadValue(f"a record of {len(raw)} bytes cannot be stored, the limit is {MAX_DOCUMENT_BYTES}")
    return RawBSONDocument(raw)


def decode(plain: Document, kind: type[D]) -> D:
    """Read a document as it came from the database.

    Raises:
        StoreError: it is not of this kind; another program wrote it.
    """
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise StoreError(f"a stored document is not a {kind.__name__}: {error}") from error
