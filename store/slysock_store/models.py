"""The records that a store keeps and returns: frozen values, the same for every backend.

A record belongs to a *system* (a dialect: `marketplace`, `pets`, …); ids of one system mean nothing in another. Times
are aware datetimes in UTC, in whole milliseconds. Nothing here knows how it is stored or what it is called on the wire.

What comes with every message is left out of the garbage collector's walks (`gc=False`): frozen values made of values
cannot refer to themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, NewType, TypeAlias, TypeVar

import msgspec

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

SystemName = NewType("SystemName", str)
UserKey = NewType("UserKey", str)
"""Names a user within a system. Where a dialect's ids are unique per role only, it makes `ROLE:id` of them."""
ChatId = NewType("ChatId", str)
"""24 lowercase hex digits, time first, made by the store; like the ids of messages, notifications and users."""
ChatKey = NewType("ChatKey", str)
"""What a chat is about and between whom, as one string: unique per system, the anchor of get-or-create."""
MessageId = NewType("MessageId", str)
NotificationId = NewType("NotificationId", str)
UserId = NewType("UserId", str)
"""A user record's own id, beside the key that the dialect chose."""

DEFAULT_LIMIT = 20
"""Items per page unless the caller says otherwise; the value that the chat systems' documents use most."""
MAX_LIMIT = 100
"""The most items on one page, whatever the caller asks for; keeps one answer well under a megabyte."""

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list.

    `page` (from 1) and `limit` (1 to `MAX_LIMIT`) are what was applied: a store puts what it was asked for into bounds.
    A page past the end is empty. `total_records` counts the whole list and was read in the same transaction as `items`.
    """

    items: tuple[T, ...]
    page: int
    limit: int
    total_records: int

    @property
    def total_pages(self) -> int:
        """Return the number of pages; 0 for an empty list."""
        return -(-self.total_records // self.limit)

    @property
    def has_next(self) -> bool:
        """Tell whether a later page has items."""
        return self.page < self.total_pages

    @property
    def has_previous(self) -> bool:
        """Tell whether there is an earlier page."""
        return self.page > 1


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user as last described by a token or the management API. Who is online is not a record: sockets show that."""

    id: UserId
    system: SystemName
    key: UserKey
    role: str
    profile: JsonObject
    last_active: datetime | None
    created_at: datetime
    updated_at: datetime
    """Unchanged by an upsert that changes nothing, and by `touch_user`."""


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user's standing in a chat.

    A participant was named when the chat was made, or added later. A member who is not a participant is somebody else
    who has read or written in it (an admin in an order chat), with an unread count like everyone's.
    """

    user: UserKey
    is_participant: bool
    unread: int
    """Messages of others, not deleted, not read by this user. Exact."""
    has_blocked: bool


class Chat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A chat with the standing of its members, as of one transaction."""

    id: ChatId
    system: SystemName
    kind: str
    key: ChatKey
    reference: Json
    """The product, listing, order or ticket it is about, in the JSON type it came in."""
    status: str
    extra: JsonObject
    members: tuple[Member, ...]
    """In the order in which they joined; participants named at creation first, in the order given."""
    last_sequence: int
    """Sequence number of the newest message, 0 without messages. Numbers run from 1 without gaps; deletion is soft."""
    message_count: int
    """Messages that are not deleted."""
    last_message_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def participants(self) -> tuple[UserKey, ...]:
        """Return the participants in the order in which they joined."""
        return tuple(member.user for member in self.members if member.is_participant)

    @property
    def is_blocked(self) -> bool:
        """Tell whether a participant has blocked the chat."""
        return any(member.has_blocked for member in self.members)

    @property
    def blocked_by(self) -> tuple[UserKey, ...]:
        """Return those who have blocked the chat."""
        return tuple(member.user for member in self.members if member.has_blocked)

    def is_participant(self, user: UserKey) -> bool:
        """Tell whether this user is a participant."""
        return any(member.user == user and member.is_participant for member in self.members)

    def unread_of(self, user: UserKey) -> int:
        """Return how many messages this user has not read: all, for a user who is not a member."""
        for member in self.members:
            if member.user == user:
                return member.unread
        return self.message_count


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether a message has reached one member other than its sender, and was read. Read implies delivered."""

    user: UserKey
    delivered_at: datetime | None
    read_at: datetime | None


class Reaction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user's reaction to a message; a user has at most one per message."""

    user: UserKey
    emoji: str


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message. Within a chat `created_at` never decreases along `sequence`, whatever the machine's clock does."""

    id: MessageId
    chat_id: ChatId
    sequence: int
    sender: UserKey
    recipient: UserKey | None
    """Whom it is for, where the dialect has exactly one; None: every participant."""
    kind: str
    """`text`, `image`, `system`, …: the dialect's word."""
    text: str | None
    attachments: tuple[JsonObject, ...]
    reply_to: MessageId | None
    client_message_id: str | None
    recipient_online: bool
    """Whether the recipient was online, as the sender's server saw it, when the message was sent."""
    extra: JsonObject
    reactions: tuple[Reaction, ...]
    """Oldest first."""
    receipts: tuple[Receipt, ...]
    """One per member other than the sender, by user key; a deleted message keeps only those of its readers."""
    is_edited: bool
    is_deleted: bool
    """A deleted message keeps its number and contents; the dialect withholds the contents."""
    created_at: datetime
    updated_at: datetime
    """Changed by an edit, a reaction or deletion; not by receipts."""

    def is_delivered_to(self, user: UserKey) -> bool:
        """Tell whether the message has reached this member."""
        receipt = self._receipt_of(user)
        return receipt is not None and receipt.delivered_at is not None

    def is_read_by(self, user: UserKey) -> bool:
        """Tell whether this member has read the message."""
        receipt = self._receipt_of(user)
        return receipt is not None and receipt.read_at is not None

    def _receipt_of(self, user: UserKey) -> Receipt | None:
        for receipt in self.receipts:  # a generator would cost more than the one or two that there are
            if receipt.user == user:
                return receipt
        return None

    @property
    def delivered_to(self) -> tuple[UserKey, ...]:
        """Return the members whom the message has reached."""
        return tuple(receipt.user for receipt in self.receipts if receipt.delivered_at is not None)

    @property
    def read_by(self) -> tuple[UserKey, ...]:
        """Return the members who have read the message, without its sender."""
        return tuple(receipt.user for receipt in self.receipts if receipt.read_at is not None)


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """Something a user is told outside of chats."""

    id: NotificationId
    system: SystemName
    user: UserKey
    kind: str
    content: Json
    channel: str
    priority: int
    status: str
    delivered_at: datetime | None
    read_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A product, listing, ticket or order that another back-end owns and has reported."""

    system: SystemName
    kind: str
    key: str
    data: JsonObject
    created_at: datetime
    updated_at: datetime


class NewChat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to make a chat of, if there is none with its `key` yet; if there is one, only the key counts."""

    kind: str
    key: ChatKey
    participants: tuple[UserKey, ...]
    """Duplicates are dropped."""
    reference: Json = None
    status: str = "open"
    extra: JsonObject = {}


class NewMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to make a message of."""

    sender: UserKey
    recipient: UserKey | None = None
    kind: str = "text"
    text: str | None = None
    attachments: tuple[JsonObject, ...] = ()
    reply_to: MessageId | None = None
    client_message_id: str | None = None
    """Unique per chat and sender: a second message with the same one is a retry of the first."""
    recipient_online: bool = False
    delivered_to: tuple[UserKey, ...] = ()
    """Members to whom it counts as delivered from the start, because they are online to get it."""
    extra: JsonObject = {}


class ReferenceChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change in a reference together with something else: both are done or neither.

    `change` gets the reference's data, None if there is none, and returns the new data; None leaves it as it is. It
    runs in the writer's thread and possibly again, so it must be quick and must not count how often it runs. Several
    run in their order. What one raises becomes the outcome of the write, which is undone.
    """

    kind: str
    key: str
    change: Callable[[JsonObject | None], JsonObject | None]


class NewNotification(msgspec.Struct, frozen=True, kw_only=True):
    """What to make a notification of."""

    user: UserKey
    kind: str
    content: Json
    channel: str = "PUSH"
    priority: int = 1
    status: str = "SENT"
    is_delivered: bool = False
    """True when the user is online to get it; otherwise it waits for `take_undelivered_notifications`."""


class ChatChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change in a chat; what is left out stays."""

    status: str | None = None
    extra: JsonObject = {}
    """Merged key by key at the top level."""
    add_participants: tuple[UserKey, ...] = ()
    """Existing ones stay as they are. For a new one the history is unread, but not handed out as undelivered."""


class EnsuredChat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A chat, and whether this call made it."""

    chat: Chat
    created: bool


class AddedMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result of `add_message`, as of its transaction.

    A duplicate has the message that the first call stored, in its present state; `created_chat` is then False.
    """

    chat: Chat
    message: Message
    created_chat: bool
    is_duplicate: bool


class ChangedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message after an edit, a reaction or deletion, with its chat; `changed` is False when it was so already."""

    chat: Chat
    message: Message
    changed: bool


class MarkedMessages(msgspec.Struct, frozen=True, kw_only=True):
    """What marking messages as read or delivered has changed."""

    chat: Chat
    count: int
    message_ids: tuple[MessageId, ...]
    """Newest first; the newest `MAX_LIMIT` where more were marked."""


class UndeliveredMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Messages handed out by `take_undelivered`; they are not handed out again.

    `page.total_records` counts what waited before this call; `chats` holds the chat of each message.
    """

    page: Page[Message]
    chats: Mapping[ChatId, Chat]


class StoreFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a store on this machine, as they were seen a moment ago."""

    log_bytes: int
    """Size of the log beside the database."""
    free_bytes: int
    """Free on the disk."""
    has_room: bool
    """Whether that is enough to store something new."""
    is_lost: bool
    """The database was removed or replaced: nothing can be read or written until it is back."""


class StoreStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one open store; all but `waiting_writes` and `files` only grow."""

    waiting_writes: int
    """Writes accepted and not yet taken into a transaction."""
    writes: int
    """Writes that were acknowledged."""
    commits: int
    """Transactions that carried them: `writes / commits` is how well they share."""
    busy_refusals: int
    files: StoreFiles | None = None
    """None: the store is in memory or elsewhere."""
