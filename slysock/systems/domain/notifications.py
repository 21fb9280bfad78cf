"""What users are told outside of chats: stored, delivered live or at their next connect, read when they say so.

The promises of messages hold here too: what is announced is durable, and one user's notifications are announced in the
order in which they are stored.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, final

import msgspec

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

from .deliveries import Deliveries
from .errors import translated_store_errors
from .turns import Turns

MISSING_NOTIFICATION: Final = "Notification not found"
MAX_WAITING_PAGES: Final = 4
"""How many pages one connect is handed, so that they fit an outbox; the rest is handed out at the next."""

PAGE_SIZE: Final = 100


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

    Attributes:
        deliveries: what is on its way to their users; must run.
    """

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system
        self._turns = Turns()
        self.deliveries = Deliveries(self._mark)

    async def _mark(self, user: UserKey, ids: Sequence[str]) -> None:
        with translated_store_errors():
            await self._store.mark_notifications_received(self._system, user, tuple(map(NotificationId, ids)))

    async def notify(self, notice: Notice, announce: Announce) -> Notification:
        """Store a notification and have it announced, in case its user is listening; otherwise it waits for them.

        `announce` runs right after the notification is durable, even if the caller has been cancelled meanwhile. It
        must not wait.

        Raises:
            Invalid, Busy, Unavailable: see there.
        """
        async with self._turns.take(ChatKey(notice.user)):
            stored = await self._add(notice)
            announce(stored)
            return stored

    async def _add(self, notice: Notice) -> Notification:
        notification = NewNotification(
            user=notice.user,
            kind=notice.kind,
            content=notice.content,
            channel=notice.channel,
            priority=notice.priority,
        )
        with translated_store_errors():
            return await self._store.add_notification(self._system, notification)

    async def waiting(self, user: UserKey, *, before: NotificationId | None = None, limit: int) -> Page[Notification]:
        """List the notifications that the user has not received, newest first; they wait until `deliveries` says so."""
        with translated_store_errors():
            return await self._store.list_undelivered_notifications(self._system, user, before=before, limit=limit)

    async def all_waiting(self, user: UserKey) -> list[Notification]:
        """List the newest of all that the user has not received, oldest first: as many as one connect is handed."""
        found: list[Notification] = []
        for _ in range(MAX_WAITING_PAGES):
            page = await self.waiting(user, before=found[-1].id if found else None, limit=PAGE_SIZE)
            found.extend(page.items)
            if len(page.items) < PAGE_SIZE:
                break
        return found[::-1]

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
