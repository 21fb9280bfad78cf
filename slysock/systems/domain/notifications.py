"""What users are told outside of chats: stored, delivered once, live or at their next connect, read when they say so.

The promises of messages hold here too: what is announced is durable, and one user's notifications are announced in the
order in which they are stored.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias, final

import msgspec
import trio

from slysock_store import (
    ChatKey,
    Json,
    NewNotification,
    Notification,
    NotificationId,
    Page,
    Store,
    SystemName,
    UserKey,
)

from .errors import DomainError, translated_store_errors
from .presence import Presence
from .turns import Turns

MISSING_NOTIFICATION: Final = "Notification not found"
MAX_WAITING_PAGES: Final = 4
"""How many pages one connect is handed, so that they fit an outbox; the rest is handed out at the next."""

PAGE_SIZE: Final = 100
LATE_SECONDS: Final = 5.0
"""How long a stored notification may wait for the store to say whether it has yet to be delivered."""


@final
class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A notification to be sent."""

    user: UserKey
    kind: str
    content: Json
    channel: str = "PUSH"
    priority: int = 1


Announce: TypeAlias = Callable[[Notification], None]


@final
class Notifications:
    """The notifications of one system.

    Args:
        store: where they are kept.
        system: whose they are.
        listening: who gets notifications live.
    """

    def __init__(self, store: Store, system: SystemName, *, listening: Presence) -> None:
        self._store = store
        self._system = system
        self._listening = listening
        self._turns = Turns()

    async def notify(self, notice: Notice, announce: Announce) -> Notification:
        """Store a notification, and have it announced if its user is listening; otherwise it waits for them.

        `announce` runs after the notification is durable, even if the caller has been cancelled meanwhile. It must not
        wait. If others were waiting for a user who has just connected, it gets those as well, oldest first.

        Raises:
            Invalid, Busy, Unavailable: see there.
        """
        async with self._turns.take(ChatKey(notice.user)):
            stored = await self._add(notice)
            if stored.delivered_at is not None:
                announce(stored)
            elif self._listening.is_here(notice.user):  # they came while it was being stored
                with trio.move_on_after(LATE_SECONDS, shield=True), suppress(DomainError):
                    for waiting in await self.take_all_waiting(notice.user):
                        announce(waiting)
            return stored

    async def _add(self, notice: Notice) -> Notification:
        notification = NewNotification(
            user=notice.user,
            kind=notice.kind,
            content=notice.content,
            channel=notice.channel,
            priority=notice.priority,
            is_delivered=self._listening.is_here(notice.user),
        )
        with translated_store_errors():
            return await self._store.add_notification(self._system, notification)

    async def take_waiting(self, user: UserKey, *, limit: int) -> Page[Notification]:
        """Take the notifications that came while the user was away, newest first; they are not handed out again."""
        with translated_store_errors():
            return await self._store.take_undelivered_notifications(self._system, user, limit=limit)

    async def take_all_waiting(self, user: UserKey) -> list[Notification]:
        """Take all that came while the user was away, oldest first; they are not handed out again."""
        taken: list[Notification] = []
        for _ in range(MAX_WAITING_PAGES):
            page = await self.take_waiting(user, limit=PAGE_SIZE)
            taken.extend(page.items)
            if not page.has_next:
                break
        return taken[::-1]

    async def page_of(self, user: UserKey, *, page: int, limit: int, unread_only: bool = False) -> Page[Notification]:
        """List a user's notifications, newest first."""
        with translated_store_errors():
            return await self._store.list_notifications(
                self._system, user, unread_only=unread_only, page=page, limit=limit
            )

    async def count_unread(self, user: UserKey) -> int:
        """Count a user's unread notifications."""
        with translated_store_errors():
            return await self._store.count_unread_notifications(self._system, user)

    async def mark_read(self, user: UserKey, notification_id: NotificationId) -> Notification:
        """Mark one of a user's notifications as read.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        with translated_store_errors(MISSING_NOTIFICATION):
            return await self._store.mark_notification_read(self._system, user, notification_id)

    async def mark_all_read(self, user: UserKey) -> int:
        """Mark all of a user's notifications as read; return how many were unread."""
        with translated_store_errors():
            return await self._store.mark_all_notifications_read(self._system, user)
