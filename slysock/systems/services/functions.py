"""The document's helper functions, in Python, for code that runs in the server's process.

    services = Services(foundation)
    await send_notification(services, "42", {"type": "booking", "content": {"title": "Confirmed"}})

Where the document's functions take `io`, these take the system: there may be several in one process.
"""

from collections.abc import Mapping

import msgspec

from slysock.systems.domain import Invalid
from slysock.systems.ids import key_of

from .payloads import NewNotice
from .service import Services
from .shapes import NotificationShape


async def send_notification(services: Services, user_id: str | int, data: Mapping[str, object]) -> NotificationShape:
    """Create a notification and send it to its user's notification room; it waits if they are away.

    Args:
        services: the running system.
        user_id: whom to notify.
        data: `type` and `content`, and optionally `channel` and `priority`.

    Raises:
        Invalid: the data does not make a notification.
        Busy, Unavailable: see there.
    """
    try:
        notice = msgspec.convert({**data, "userId": user_id}, NewNotice)
    except msgspec.ValidationError as error:
        raise Invalid(f"Not a notification: {error}") from None
    return await services.notifications.notify(notice)


def send_notification_to_user(services: Services, user_id: str | int, notification: object) -> None:
    """Send a prepared notification to whoever has joined a user's notifications; nothing is stored."""
    services.notifications.emit(key_of(user_id), notification)


def is_user_online(services: Services, user_id: str | int) -> bool:
    """Tell whether a user has an active socket, whichever status they have set."""
    return services.statuses.has_socket(key_of(user_id))
